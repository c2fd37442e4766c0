"""The pipeline, its runners, and the command line."""
