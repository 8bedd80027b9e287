"""What a training is held against: a constant, its own linear part, and whether it settled."""
