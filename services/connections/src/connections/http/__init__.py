"""The HTTP edge for people."""
