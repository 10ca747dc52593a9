"""The publications gateway."""
