"""Proof: trusted timestamps, captures of pages, and the bundles made of them."""
