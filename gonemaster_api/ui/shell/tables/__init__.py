"""Tables of pages, and their export as CSV."""
