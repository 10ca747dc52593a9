"""Everything that runs the system on one machine without Docker: private servers and processes."""
