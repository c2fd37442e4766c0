"""The TFX components, one folder each, and their artifacts."""
