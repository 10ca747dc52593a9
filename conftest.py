"""Fixtures that every package's tests may ask for; pytest takes them only from the root."""

pytest_plugins = ["support.servers"]
