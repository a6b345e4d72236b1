"""Zone files before they are published."""
