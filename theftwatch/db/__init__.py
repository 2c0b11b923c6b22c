"""Postgres: the embedded server, migrations, and every query."""
