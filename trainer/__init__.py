"""The model: preprocessing, towers, heads, losses, training and the signatures it is served by."""
