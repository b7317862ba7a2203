"""Training: a configuration and examples in, a finished run folder out."""
