"""Gibbs sampling against myFM: the same posterior means, within Monte Carlo error."""

from __future__ import annotations

import myfm
import numpy as np
from scipy import sparse

from fieldfare.estimators import BayesianFMRegressor
from fieldfare.rows import Rows

N_CHAINS, N_WARMUP, N_SAMPLES, RANK = 4, 60, 300, 2


def test_posterior_means_are_those_of_myfm() -> None:
    rng = np.random.default_rng(0)
    n, n_users, n_films = 1200, 30, 20
    u, f = rng.integers(0, n_users, n), rng.integers(0, n_films, n)
    score = (rng.normal(size=(n_users, 2))[u] * rng.normal(size=(n_films, 2))[f]).sum(axis=1)
    y = score + rng.normal(size=n)
    # The priors of both are alike where the target has the spread one.
    y = ((y - y.mean()) / y.std()).astype(np.float32)
    ids = np.stack([u, n_users + f], axis=1).astype(np.uint32)
    fields = np.tile(np.arange(2, dtype=np.uint16), n)
    rows = Rows(np.arange(0, 2 * n + 1, 2), ids.ravel(), fields=fields, target=y)
    X = sparse.csr_matrix((np.ones(2 * n), ids.ravel().astype(int), rows.indptr))
    train, test = slice(0, 1000), slice(1000, n)
    means: dict[str, list[np.ndarray]] = {"ours": [], "theirs": []}
    for seed in range(N_CHAINS):
        own = BayesianFMRegressor(
            n_factors=RANK, n_warmup=N_WARMUP, n_samples=N_SAMPLES, random_state=seed, n_jobs=1
        ).fit(rows.slice(0, 1000))
        means["ours"].append(own.predict(rows.slice(1000, n)).astype(float))
        their = myfm.MyFMGibbsRegressor(rank=RANK, random_seed=seed)
        their.fit(
            X[train], y[train].astype(float), n_iter=N_WARMUP + N_SAMPLES,
            n_kept_samples=N_SAMPLES, group_shapes=[n_users, n_films],
        )  # fmt: skip
        means["theirs"].append(their.predict(X[test]))
    ours, theirs = (np.array(found) for found in means.values())
    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / N_CHAINS)
    z = (ours.mean(axis=0) - theirs.mean(axis=0)) / error
    # Squares of t with 6 degrees of freedom have the mean 1.5; rows share what deviates.
    assert np.mean(z**2) < 4
    assert np.abs(ours.mean(axis=0) - theirs.mean(axis=0)).max() < 0.1
