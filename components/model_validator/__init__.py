"""ModelValidator: proves that a bundle is the model that was trained."""
