"""Internal routes for our services, and the one address that platforms send browsers to."""
