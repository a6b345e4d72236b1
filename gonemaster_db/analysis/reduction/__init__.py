"""Reduction of runs, once their facts are written."""
