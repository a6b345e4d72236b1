"""The page on which a browser logs in."""
