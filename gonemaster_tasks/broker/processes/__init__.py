"""Shared state of the processes of the service: locks, task times, and their reports."""
