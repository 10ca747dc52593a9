"""What every service stands on: words of the bus, database, HTTP edge, settings."""
