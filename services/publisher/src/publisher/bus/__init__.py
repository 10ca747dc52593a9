"""What publisher hears."""
