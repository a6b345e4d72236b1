"""Recurrence rules: pure functions of a rule and an instant."""
