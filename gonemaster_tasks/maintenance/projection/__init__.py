"""Projection: finished runs become facts of the cohorts that their domains belong to."""
