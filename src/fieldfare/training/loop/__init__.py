"""The loop over epochs, with callbacks, history and evaluation."""
