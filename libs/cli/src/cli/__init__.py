"""The `clipcast` command: a client of the gateways, for people and operators."""
