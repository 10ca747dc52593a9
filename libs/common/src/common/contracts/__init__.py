"""What is said on the bus: words only, no input or output."""
