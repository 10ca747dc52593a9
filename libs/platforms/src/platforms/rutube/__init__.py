"""rutube: everything that is particular to this platform."""
