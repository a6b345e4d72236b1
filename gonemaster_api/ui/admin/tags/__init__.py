"""Domain tags: the list, and one tag."""
