"""Demonstration data: a cohort of fictional domains over twelve months."""
