"""Databases of Zonemaster-Backend as a source: SQLite files, PostgreSQL, and dumps of MySQL."""
