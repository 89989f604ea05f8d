"""Benchwell: fair, transparent, versioned benchmarks from therapy outcome scores."""

__version__ = "0.1.0"
