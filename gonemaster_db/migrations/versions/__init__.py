"""Alembic migrations, run by the programs themselves."""
