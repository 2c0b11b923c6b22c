"""Backup and restore: the database by Postgres' own programs, the image store by its files, as of one moment."""
