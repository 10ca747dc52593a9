"""The loops that keep sampling going and tell how well."""
