"""Tables of domains, tags and profiles."""
