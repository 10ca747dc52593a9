"""Sealing: the only place where tokens become ciphertext and back."""
