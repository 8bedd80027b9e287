"""Training: one job, one loop over epochs, and the functions that users call.

- `samples`: which rows, or comparisons of rows, an epoch visits, and in which order.
- `prepare`: targets, units and memory, before the first epoch.
- `ranking`: negatives that are drawn, and recall.
- `loop`: the epochs, what watches them, and sessions that continue call after call.
- `job`: samples and settings to a trained model; all training goes through it.
- `bayes`: Gibbs sampling, as a job too.
- `functions`, `crossval`: `train`, `predict`, `evaluate` and `cross_validate` on any kind of data.
"""
