"""Models: parameters and the functions that they define."""
