"""Views in tables of the database: how they are built from facts in tables."""
