"""Which account of which user is linked, how healthy it is, and what each plan allows."""
