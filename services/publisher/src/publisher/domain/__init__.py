"""The rules of publications; pure."""
