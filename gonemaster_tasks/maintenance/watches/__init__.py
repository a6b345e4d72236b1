"""Detection of events for watches, and their notifications."""
