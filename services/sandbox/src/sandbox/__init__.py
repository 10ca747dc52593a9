"""Simulators of the platforms and their OAuth servers: as strict as the real ones."""
