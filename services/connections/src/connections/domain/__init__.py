"""The rules of linked accounts and plans; no input or output."""
