"""Learning an order: comparisons, drawn negatives, recall."""
