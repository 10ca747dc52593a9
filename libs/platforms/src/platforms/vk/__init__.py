"""vk: everything that is particular to this platform."""
