"""Sources: anything that holds samples, as batches."""
