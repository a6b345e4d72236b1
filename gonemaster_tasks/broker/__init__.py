"""Redis: the only code that knows its client, keys and scripts."""
