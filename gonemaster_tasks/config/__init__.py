"""Settings: their sources, their allowed values, and the values in effect."""
