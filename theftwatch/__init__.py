"""Finds product photos that vendors copied from artisans' shops, and keeps the record of it."""

# Here and not in the metadata of an installed package: a node has none, as an egg there is called as the node likes.
__version__ = "0.1.0"
