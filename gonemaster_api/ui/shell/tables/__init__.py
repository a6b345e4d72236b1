"""Tables, and their export as CSV."""
