"""Sparse ratings: factorization machine against support vector machines and matrix factorisation.

Figure 2 of Rendle (ICDM 2010) on MovieLens 1M instead of Netflix. A row has a user and a film, so a
support vector machine has little to learn from: its linear kernel has the two biases; its
polynomial kernel also has one weight per pair of user and film, which no other row shares. A
factorization machine learns the weight of a pair from all other pairs of the user and of the film.

The kernel ``(gamma <x, z> + 1)^2`` on rows of two ones is the inner product of short explicit rows,
so the linear solver finds the machine of the polynomial kernel exactly, on all rows:
with s = <x, z> in {0, 1, 2} it is 1 + (2 gamma + gamma^2) s + 2 gamma^2 [both the same].
Both machines use the squared epsilon-insensitive loss, because the measure is the RMSE.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.svm import LinearSVR

from _common import (
    SEED,
    Figure,
    arguments,
    curve,
    finish,
    movielens_1m,
    movielens_1m_sides,
    rmse,
    split,
    table,
)
from fieldfare import BayesianFMRegressor, recipes

GAMMA = 0.5
PENALTIES = (0.05, 0.1)
COSTS = (0.01, 0.1, 1.0)


class Parts(NamedTuple):
    """Ratings to train on, to choose settings with, and to test on."""

    train: pd.DataFrame
    valid: pd.DataFrame
    test: pd.DataFrame


class Sizes(NamedTuple):
    """How much to measure."""

    ranks: Sequence[int]
    shares: Sequence[float]
    rank: int
    n_warmup: int
    n_samples: int


def fm(parts: Parts, n_factors: int, sizes: Sizes, sides: Any = None) -> float:
    """Return the test RMSE of a Bayesian FM of user and film, and of their columns if given."""
    recipe = (
        recipes.matrix_factorization(parts.train, target="rating")
        if sides is None
        else recipes.attribute_aware(parts.train, target="rating", users=sides[0], items=sides[1])
    )
    model = BayesianFMRegressor(
        n_factors=n_factors, n_warmup=sizes.n_warmup, n_samples=sizes.n_samples, n_keep_samples=0,
        random_state=SEED, schema=recipe.schema,
    )  # fmt: skip
    test = recipe.transform(parts.test)
    model.fit(recipe.table, "rating", eval_set=(test, parts.test["rating"]))
    return rmse(model.eval_prediction_, parts.test["rating"])


def codes(parts: Parts) -> tuple[list[np.ndarray[Any, Any]], int, int]:
    """Return users and films of each part as numbers; those not in training come last."""
    names = [pd.Index(parts.train[column].unique()) for column in ("user", "item")]
    numbers = [
        np.stack([own.get_indexer(part[c]) for own, c in zip(names, ("user", "item"), strict=True)])
        for part in parts
    ]
    n_users, n_films = (len(own) for own in names)
    for pair in numbers:
        for row, size in zip(pair, (n_users, n_films), strict=True):
            row[row < 0] = size
    return numbers, n_users + 1, n_films + 1


def mf(parts: Parts, n_factors: int, penalty: float) -> tuple[float, float]:
    """Return validation and test RMSE of matrix factorisation with biases, written out here.

    ``mean + b_u + c_i + <p_u, q_i>`` by alternating least squares over whole vectors, with
    penalties scaled by the number of ratings (Zhou et al. 2008), until the validation rows are
    predicted no better.
    """
    (train, *others), n_users, n_films = codes(parts)
    mean = float(parts.train["rating"].mean())
    target = parts.train["rating"].to_numpy() - mean
    rng = np.random.default_rng(SEED)
    # The last coordinate of a vector is its bias, against a one on the other side.
    users, films = (rng.normal(0, 0.1, (n, n_factors + 1)) for n in (n_users, n_films))
    groups = [_groups(side, n) for side, n in zip(train, (n_users, n_films), strict=True)]
    users[-1], films[-1] = 0, 0  # not in training
    best = (np.inf, np.inf)
    for _ in range(20):
        _solve(users, films, groups[0], (train[1], target), penalty)
        _solve(films, users, groups[1], (train[0], target), penalty)
        valid, test = (
            rmse(mean + users[u, -1] + films[i, -1] + (users[u, :-1] * films[i, :-1]).sum(1), y)
            for (u, i), y in zip(others, (part["rating"] for part in parts[1:]), strict=True)
        )
        if valid > best[0] - 1e-4:
            break
        best = (valid, test)
    return best


def _groups(side: Any, n: int) -> list[np.ndarray[Any, Any]]:
    order = np.argsort(side, kind="stable")
    return np.split(order, np.cumsum(np.bincount(side, minlength=n))[:-1])


def _solve(own: Any, other: Any, groups: Any, rows: tuple[Any, Any], penalty: float) -> None:
    """Set each vector of one side to its best value, with the other side fixed."""
    partner, target = rows
    ridge = penalty * np.eye(own.shape[1])
    for vector, which in zip(own, groups, strict=True):
        if len(which):
            x = other[partner[which]]
            y = target[which] - x[:, -1]
            x[:, -1] = 1
            vector[:] = np.linalg.solve(x.T @ x + len(which) * ridge, x.T @ y)


def svm(parts: Parts, cost: float, *, pairs: bool) -> tuple[float, float]:
    """Return validation and test RMSE of a support vector machine."""
    numbers, n_users, n_films = codes(parts)
    n_rows = len(parts.train) if pairs else 0
    mean = parts.train["rating"].mean()
    machine = LinearSVR(
        C=cost, epsilon=0.1, loss="squared_epsilon_insensitive", dual=False, tol=1e-3
    )
    machine.fit(
        explicit(numbers[0], (n_users, n_films, n_rows), np.arange(n_rows)),
        parts.train["rating"] - mean,
    )
    # A pair of user and film is rated once: no row of the test has the pair of a training row.
    found = []
    for pair, part in zip(numbers[1:], parts[1:], strict=True):
        x = explicit(pair, (n_users, n_films, n_rows), np.zeros(0, np.int64))
        found.append(rmse(machine.predict(x) + mean, part["rating"]))
    return found[0], found[1]


def explicit(pair: Any, sizes: tuple[int, int, int], own: Any) -> Any:
    """Return rows whose inner product is the kernel: linear, or polynomial with a third size.

    ``own`` holds the number of each row's own pair, which is left out where it is empty.
    """
    n = pair.shape[1]
    single = np.sqrt(2 * GAMMA + GAMMA**2) if sizes[2] else 1.0
    columns, weights = [pair[0], sizes[0] + pair[1]], [single, single]
    if len(own):
        columns.append(sizes[0] + sizes[1] + own)
        weights.append(np.sqrt(2) * GAMMA)
    indices = np.stack(columns, axis=1).ravel()
    indptr = np.arange(n + 1) * len(columns)
    return sp.csr_matrix((np.tile(weights, n), indices, indptr), shape=(n, sum(sizes)))


def baselines(parts: Parts) -> Iterator[tuple[str, float, Any]]:
    """Yield each support vector machine with its test RMSE, at the cost best on validation."""
    for name, pairs in (("SVM, linear", False), ("SVM, polynomial", True)):
        found = {cost: svm(parts, cost, pairs=pairs) for cost in COSTS}
        cost = min(found, key=lambda one: found[one][0])
        yield name, found[cost][1], cost


def best_mf(parts: Parts, n_factors: int) -> tuple[float, float]:
    """Return the test RMSE of matrix factorisation, and the penalty best on validation."""
    found = {penalty: mf(parts, n_factors, penalty) for penalty in PENALTIES}
    penalty = min(found, key=lambda one: found[one][0])
    return found[penalty][1], penalty


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and draw."""
    run, started = arguments(__doc__, argv), time.perf_counter()
    sizes = Sizes((1, 2), (0.3, 1.0), 2, 4, 6)
    if not run.small:
        sizes = Sizes((1, 2, 4, 8, 16), (0.02, 0.05, 0.1, 0.2, 0.5, 1.0), 8, 20, 60)
    parts, sides = Parts(*split(movielens_1m(run))), movielens_1m_sides(run)
    lines: dict[str, list[float]] = {"FM, user and film": [], "FM, with columns": [], "MF": []}
    chosen: dict[str, Any] = {"MF, penalty by k": []}
    for k in sizes.ranks:
        error, penalty = best_mf(parts, k)
        chosen["MF, penalty by k"].append(penalty)
        found = (fm(parts, k, sizes), fm(parts, k, sizes, sides), error)
        for name, value in zip(list(lines), found, strict=True):
            lines[name].append(value)
        print(f"k={k}: {found}", flush=True)
    for name, error, cost in baselines(parts):
        lines[name] = [error] * len(sizes.ranks)
        chosen[f"{name}, C"] = cost
    whole = {name: values[sizes.ranks.index(sizes.rank)] for name, values in lines.items()}
    sparse = by_share(parts, sides, sizes, whole)
    finish(run, drawn(sizes, lines, sparse, chosen), started)


def by_share(
    parts: Parts, sides: Any, sizes: Sizes, whole: dict[str, float]
) -> dict[str, list[float]]:
    """Return the test RMSE of all models on a share of the training rows."""
    lines: dict[str, list[float]] = {}
    for share in sizes.shares[:-1]:
        fewer = Parts(parts.train.sample(frac=share, random_state=SEED).sort_index(), *parts[1:])
        found = {
            "FM, user and film": fm(fewer, sizes.rank, sizes),
            "FM, with columns": fm(fewer, sizes.rank, sizes, sides),
            "MF": best_mf(fewer, sizes.rank)[0],
        } | {name: error for name, error, _ in baselines(fewer)}
        for name, value in found.items():
            lines.setdefault(name, []).append(value)
        print(f"share {share}: {found}", flush=True)
    return {name: [*values, whole[name]] for name, values in lines.items()}


def drawn(sizes: Sizes, ranks: Any, shares: Any, chosen: dict[str, Any]) -> Figure:
    """Return the figure."""

    def by_rank(axes: Any) -> None:
        for number, (name, values) in enumerate(ranks.items()):
            flat = {"marker": "", "linestyle": "--"} if name.startswith("SVM") else {}
            curve(axes, sizes.ranks, values, name, color=f"C{number}", **flat)
        axes.set(xlabel="k", ylabel="test RMSE", xscale="log", title="MovieLens 1M")
        axes.set_xticks(sizes.ranks, [str(k) for k in sizes.ranks])
        axes.minorticks_off()

    def by_sparsity(axes: Any) -> None:
        for number, (name, values) in enumerate(shares.items()):
            curve(axes, sizes.shares, values, name, color=f"C{number}")
        axes.set(xlabel="share of the training ratings", ylabel="test RMSE", xscale="log",
                 title=f"sparser, k = {sizes.rank}")  # fmt: skip
        axes.set_xticks(sizes.shares, [f"{share:.0%}" for share in sizes.shares])
        axes.minorticks_off()

    figures = {"ranks": list(sizes.ranks), "by_rank": ranks}
    figures |= {"shares": list(sizes.shares), "by_share": shares, "chosen": chosen}
    tables = [
        table(["k", *ranks], list(zip(sizes.ranks, *ranks.values(), strict=True))),
        table(
            ["share of the ratings", *shares],
            list(zip((f"{share:.0%}" for share in sizes.shares), *shares.values(), strict=True)),
        ),
    ]
    return Figure("sparse-ratings", [by_rank, by_sparsity], figures, tables)


if __name__ == "__main__":
    main()
