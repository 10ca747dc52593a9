"""The other ends of what is measured: servers that throw away, and processes that send."""
