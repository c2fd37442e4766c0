"""The query tower and the candidate tower, and the layers they are made of."""
