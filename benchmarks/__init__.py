"""Generators of session logs, and benchmarks on them. Not part of the package."""
