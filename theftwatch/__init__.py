"""Finds product photos that vendors copied from artisans' shops, and keeps the record of it."""
