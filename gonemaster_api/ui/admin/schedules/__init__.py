"""Schedules of cohorts and tags: the editor, and rules in words."""
