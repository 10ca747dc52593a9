"""Reads the counters of what was published, keeps every sample and tells the latest."""
