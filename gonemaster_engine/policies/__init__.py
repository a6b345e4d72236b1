"""Policies: a profile, and what makes a run with it fail; verdicts are computed from the entries of runs."""
