"""Parts of `benchmarks.goals`."""
