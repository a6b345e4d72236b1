"""Domain tags: sets of domains."""
