"""Rehearsals of Registry System Testing: the form, the list, and one rehearsal."""
