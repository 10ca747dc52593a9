"""The owner of all secrets: OAuth flows, sealed tokens, refreshing and revoking."""
