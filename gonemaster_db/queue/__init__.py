"""Jobs that wait or run: submission, claims, order, pauses."""
