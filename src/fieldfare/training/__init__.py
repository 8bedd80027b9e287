"""Training: one epoch loop, what surrounds it, and the functions that users call.

- `windows` and `parts`: which rows an epoch visits, in which order.
- `targets`: what is predicted.
- `loop`, `callbacks`, `history`, `evaluation`: the epochs.
- `session`: training that goes on, call after call.
- `workflow`, `crossval`: `train`, `predict`, `evaluate` and `cross_validate` on any kind of data.
"""
