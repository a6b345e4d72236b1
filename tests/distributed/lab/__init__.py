"""A lab: the service on hosts of its own, faults that are done to them, and what must hold all the same."""
