"""SqlStorage: SQLite and PostgreSQL behind the domain's ports, with SQLAlchemy Core."""
