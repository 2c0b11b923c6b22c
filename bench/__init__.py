"""Benchmarks that anyone can run: `python -m bench`, or `python -m bench NAME`; see docs/performance.md."""
