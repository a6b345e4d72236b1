"""State of the service itself: settings, access, audit, operations, schedules, watches, metrics."""
