"""Queries: functions that take a session first and say in their name what they do; none of them commits."""
