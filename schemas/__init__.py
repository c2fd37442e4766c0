"""The data contract: configuration, names, features, tables and their checks."""
