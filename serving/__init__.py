"""What reads a pushed version: versions, states, candidates, predictions."""
