"""What `benchmarks/quality.py` is made of, one concept a module."""
