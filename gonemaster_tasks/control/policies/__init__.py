"""Policies of jobs and runs."""
