"""ConversionPatterns: what those who moved through the funnel have in common."""
