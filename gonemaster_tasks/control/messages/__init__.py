"""Messages of the waiting jobs, in the order of their rows."""
