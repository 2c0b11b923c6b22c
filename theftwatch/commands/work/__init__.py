"""The work of the commands, a module for each: what takes time to load, and so only when its command runs."""
