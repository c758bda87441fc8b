"""Benchmarks of minigrad and similar libraries: `python -m benchmarks`."""
