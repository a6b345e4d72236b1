"""Demonstration data: a cohort of made-up domains with a story over twelve months."""
