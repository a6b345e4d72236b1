"""Where settings come from, which values are allowed, and which are in effect now."""
