"""DNS transport: sending queries, receiving responses and caching them."""
