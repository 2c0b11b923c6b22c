"""A replica of the marketplaces on loopback, and the demonstration that crawls it."""
