"""The system as a whole; it runs as long as this folder's tests do."""
