"""Which rows, or comparisons of rows, an epoch visits, and in which order."""
