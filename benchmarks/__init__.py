"""Measurements of signalcli. Each module is run by itself: ``python -m benchmarks.NAME``."""
