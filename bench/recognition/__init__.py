"""Measuring recognition: edited copies and unrelated photos among originals, for this program and for others."""
