"""The rules of watching: pure."""
