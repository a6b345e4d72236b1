"""Store: models, migrations and repositories on SQLite and PostgreSQL."""
