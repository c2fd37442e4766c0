"""The gateway: predictions by student id over HTTP."""
