"""A simulated recruitment funnel whose true probabilities are known exactly."""
