"""Saved answers, for runs that can be repeated."""
