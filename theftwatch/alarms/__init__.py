"""Alarms: what goes wrong with the watch, noticed by comparing each run with those before it."""
