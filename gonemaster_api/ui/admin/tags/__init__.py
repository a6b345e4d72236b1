"""Domain tags: the list, and the page of one tag."""
