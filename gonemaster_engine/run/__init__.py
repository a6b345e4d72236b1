"""A run: its plan, deadlines and result."""
