"""Waiting and running jobs: submission, claims, order, pauses."""
