"""Migrations 0008 and 0009: the rows of runs move from tables of entries to outcomes and documents, and back."""
