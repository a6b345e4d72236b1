"""The store: one room a subject, each with its tables and queries, on SQLite and PostgreSQL."""
