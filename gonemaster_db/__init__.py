"""The store: tables and queries by subject, on SQLite and PostgreSQL."""
