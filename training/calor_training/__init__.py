"""Training, export and measurement of Calor's bundled models."""
