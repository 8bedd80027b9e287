"""Training: one job, one loop over epochs, and the functions that users call.

- `job`: samples and settings to a model; `provenance` records how the model came about.
- `samples`: which rows, or comparisons of rows, an epoch visits, and in which order.
- `prepare`: targets, units and memory, before the first epoch.
- `loop`: the epochs, callbacks, history, evaluation, and sessions that continue call after call.
- `ranking`: sampled negatives and recall.
- `bayes`: Gibbs sampling.
- `functions`, `crossval`: `train`, `predict`, `evaluate` and `cross_validate` on any kind of data.
"""
