"""Schedules of cohorts and tags: editor, and descriptions of rules."""
