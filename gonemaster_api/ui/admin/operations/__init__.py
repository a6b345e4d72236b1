"""Changes of many rows, performed in the background: their progress and end."""
