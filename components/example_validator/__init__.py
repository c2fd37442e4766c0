"""ExampleValidator: anomalies, drift and skew stop the run."""
