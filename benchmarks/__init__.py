"""Measurements: each figure beside a floor of the same run, because machines are noisy. `python -m benchmarks`."""
