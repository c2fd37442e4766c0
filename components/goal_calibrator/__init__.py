"""Fits the goal synthesis: from labelled states and head outputs to its parameters."""
