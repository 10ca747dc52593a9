"""Logs, traces and metrics: how the system is seen from outside."""
