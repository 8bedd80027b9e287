"""What the kinds of model and the solvers are, as plain declarations that everything else asks."""
