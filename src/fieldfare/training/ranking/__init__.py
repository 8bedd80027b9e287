"""Learning to rank: negatives that are drawn, and recall."""
