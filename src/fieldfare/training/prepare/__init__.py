"""What a fit needs before its first epoch."""
