"""Owns publications: their schedule, attempts, checkpoints and timeline."""
