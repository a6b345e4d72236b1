"""A lab: the service on separate hosts, faults that are injected, and the invariants that must still hold."""
