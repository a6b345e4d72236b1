"""Live events: one thread of a process reads them for all who watch, and hands them out without waiting for anyone."""
