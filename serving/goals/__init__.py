"""Goal likelihoods and what speaks for and against them; NumPy, no TensorFlow."""
