"""The four platforms: wire clients, connecting, publishing steps, statistics, limits."""
