"""ServingBundle: the one directory that is a model version."""
