"""Makes Examples, student states and the catalogue of a prepared data folder."""
