"""The loop over epochs, and what watches it."""
