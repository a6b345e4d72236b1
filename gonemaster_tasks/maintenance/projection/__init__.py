"""Projection of finished runs into facts of the cohorts of their domains."""
