"""What this service does, one function a file. Pure: everything outside is a port."""
