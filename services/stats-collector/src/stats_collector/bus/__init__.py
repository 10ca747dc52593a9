"""What this service listens to."""
