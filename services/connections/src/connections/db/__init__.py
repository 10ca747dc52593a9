"""Rows of linked accounts and plans."""
