"""What publisher can do; pure, through ports."""
