"""Evaluator: metrics of the three heads, and the blessing against the last version."""
