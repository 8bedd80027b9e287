"""The loop over epochs, and what looks on."""
