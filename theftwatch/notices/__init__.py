"""Notices: what artisans are told of confirmed findings, and what the operator is told each day."""
