"""The loop that keeps sampling going."""
