"""Rehearsals of Registry System Testing."""
