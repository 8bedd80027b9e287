"""Recipes of rating models. In all formulas a bare ``v`` is a latent vector, ``w`` a weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._validation import Number, check
from fieldfare.recipes._base import Recipe, Roles, Step, cook, keep
from fieldfare.recipes._histories import Baseline, History, Names, Rated
from fieldfare.recipes._tables import attributes
from fieldfare.recipes._time import Drift, Period
from fieldfare.schema import compose
from fieldfare.schema.column import Column


def matrix_factorization(
    interactions: Any, *, user: str = "user", item: str = "item", target: str | None = None
) -> Recipe:
    """Matrix factorisation with biases.

    Model and FM are the same (Rendle 2010, sec. V-A; Koren, Bell and Volinsky 2009, eq. 4):

        score = w_0 + w_u + w_i + <v_u, v_i>

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row for each rating, click or purchase.
    user, item : str
        Names of the columns that say who and what. Taken as categories, whatever their type.
    target : str or None
        Name of the column to predict; ``None`` if there is none.

    Returns
    -------
    Recipe
        With the columns ``user`` and ``item``.

    Raises
    ------
    SchemaError
        If a column is missing or holds what it may not.

    References
    ----------
    Y. Koren, R. Bell, C. Volinsky, Matrix Factorization Techniques for Recommender Systems, IEEE
    Computer 42(8), 2009.
    """
    table = compose.read(interactions)
    return cook(table, _pair(table, user, item), Roles(target))


def svdpp(
    interactions: Any, *, user: str = "user", item: str = "item", target: str | None = None
) -> Recipe:
    """SVD++: the items that a user has rated say who the user is.

    The model (Koren 2008, eq. 15) with N(u) the items that u has rated, n of them:

        score = mu + b_u + b_i + <q_i, p_u + n^-1/2 sum_{j in N(u)} y_j>

    The FM (Rendle 2010, sec. V-B) has besides these the terms
    ``n^-1/2 sum_j (w_j + <v_u, v_j>) + n^-1 sum_{j<l} <v_j, v_l>``. They depend on the user only:
    the weight w_u takes them up, so that each SVD++ is an FM of the same rank.

    As in SVD++, N(u) is the same for all rows of a user. It holds the rated item itself in
    training, but not in prediction, unless it is in the history.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row for each rating. A row becomes 2 + n entries, so the training table grows with the
        square of the activity of users.
    user, item : str
        Names of the columns that say who and what. Taken as categories, whatever their type.
    target : str or None
        Name of the column to predict; ``None`` if there is none.

    Returns
    -------
    Recipe
        With the columns ``user``, ``item`` and ``rated_items``; in the last, each item of N(u) has
        the value n^-1/2. For users without a history it is missing.

    Raises
    ------
    SchemaError
        If a column is missing or holds what it may not.

    References
    ----------
    Y. Koren, Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering Model,
    KDD 2008.
    """
    table = compose.read(interactions)
    names = Names(user, item)
    rated = Rated(_weighted("rated_items"), names, History.of(table, names, None), None, False)
    return cook(table, [*_pair(table, user, item), rated], Roles(target))


def knn(
    interactions: Any, *, user: str = "user", item: str = "item", target: str | None = None
) -> Recipe:
    """Neighbours of the item among the rated items, by factorised weights.

    The model (the factorised neighbourhood of Koren 2010), with R(u) the *other* items that u has
    rated, n of them, and b_j what to expect of item j:

        score = mu + b_i + n^-1/2 sum_{j in R(u)} (r_uj - b_j) <q_i, y_j>

    The FM (Rendle 2012) has besides these, with x_j = n^-1/2 (r_uj - b_j), the terms
    ``sum_j x_j w_j + sum_{j<l} x_j x_l <v_j, v_l>``, which depend on the user's ratings only: a
    bias of the user, learned without knowing the user. So users need no retraining: ratings of
    new users go into the ``history`` of `Recipe.transform`.

    The item of a row is left out of R(u) in training and prediction, and b_j is the mean rating of
    item j, shrunken towards the mean of all, so that no row sees its own target. (A mean over the
    user's ratings would contain it.) Without a target, each rated item counts one.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row for each rating. A row becomes 1 + n entries, so the training table grows with the
        square of the activity of users. Items rated several times by a user count with the mean.
    user, item : str
        Names of the columns that say who and what. Taken as categories, whatever their type.
    target : str or None
        Name of the column of ratings, which are also what is predicted.

    Returns
    -------
    Recipe
        With the columns ``item`` and ``rated_items``; in the last, item j has the value x_j. For
        users without other ratings it is missing.

    Raises
    ------
    SchemaError
        If a column is missing or holds what it may not.

    References
    ----------
    Y. Koren, Factor in the Neighbors: Scalable and Accurate Collaborative Filtering, ACM TKDD
    4(1), 2010.
    """
    table = compose.read(interactions)
    names = Names(user, item, target)
    baseline = None if target is None else Baseline.of(table, names)
    history = History.of(table, names, baseline)
    rated = Rated(_weighted("rated_items"), names, history, baseline, True)
    return cook(table, [keep(table, item, "item"), rated], Roles(target))


def attribute_aware(
    interactions: Any,
    *,
    user: str = "user",
    item: str = "item",
    target: str | None = None,
    users: Any = None,
    items: Any = None,
) -> Recipe:
    """Attributes of users and items, which also stand for those that are new.

    With A(u) and A(i) the features of a user and an item, the id among them (Rendle 2012;
    Stern, Herbrich and Graepel 2009):

        score = w_0 + sum_{a in A(u)} x_a w_a + sum_{b in A(i)} x_b w_b + <s_u, t_i>
        s_u = sum_{a in A(u)} x_a v_a,   t_i = sum_{b in A(i)} x_b v_b

    The FM has besides these the pairs inside A(u) and inside A(i): a bias of the user and one of
    the item. Those of the item are not constant between items, so an FM ranks by a richer bias of
    the item.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row for each rating, click or purchase.
    user, item : str
        Names of the columns that say who and what. Taken as categories, whatever their type.
    target : str or None
        Name of the column to predict; ``None`` if there is none.
    users, items : anything tabular, or None
        One row for each user or item, with a column of the same name as in the interactions. The
        kinds of the other columns are inferred; change them with ``recipe.schema.edit``.

    Returns
    -------
    Recipe
        With the columns ``user`` and ``item`` and those of the side tables. Attributes of users and
        items that are not in their table are missing.

    Raises
    ------
    SchemaError
        If a column is missing, or two have the same name.

    References
    ----------
    D. Stern, R. Herbrich, T. Graepel, Matchbox: Large Scale Online Bayesian Recommendations, WWW
    2009.
    """
    table = compose.read(interactions)
    steps = _pair(table, user, item)
    for side, key, role in ((users, user, "user"), (items, item, "item")):
        if side is not None:
            steps += attributes(side, key, role)
    return cook(table, steps, Roles(target))


def time_svd(
    interactions: Any,
    *,
    user: str = "user",
    item: str = "item",
    time: str = "time",
    target: str | None = None,
    n_bins: int = 30,
    day: float = 86400.0,
) -> Recipe:
    """Users who drift and items that come and go, like timeSVD.

    The model (Koren 2009, without implicit feedback):

        score = mu + b_u(t) + b_i(t) + <q_i, p_u(t)>
        b_u(t) = b_u + alpha_u dev_u(t) + b_{u,day(t)},   b_i(t) = b_i + b_{i,bin(t)}
        p_u(t) = p_u + alpha_u dev_u(t) + p_{u,day(t)}    (alpha_u a vector here)

    with ``dev_u(t) = sign(t - t_u) |t - t_u|^0.4`` and t_u the user's mean time of rating. The FM
    has one feature for each of these: user, the user with value dev_u(t), user and day, item, item
    and bin. It has besides: q_i(t) = q_i + q_{i,bin(t)} in place of q_i, pairs among the three of
    the user, which b_{u,day(t)} takes up, and the pair of item and bin, which b_{i,bin(t)} takes
    up. So each timeSVD is an FM of the same rank with q_{i,bin} = 0.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row for each rating.
    user, item, time : str
        Names of the columns that say who, what and when. Times are numbers, or dates, which count
        in seconds.
    target : str or None
        Name of the column to predict; ``None`` if there is none.
    n_bins : int in [1, 10000]
        Periods of equal length that the time of training is cut into, for items. Later times
        belong to the last one.
    day : float in (0, inf)
        Length of a day, in the unit of the times.

    Returns
    -------
    Recipe
        With the columns ``user``, ``item``, ``user_drift`` (in which a user has the value dev_u(t),
        scaled so that the largest of training is 1), ``user_day`` and ``item_period``.

    Raises
    ------
    SchemaError
        If a column is missing or holds what it may not.
    ConfigError
        If ``n_bins`` or ``day`` are out of range.

    References
    ----------
    Y. Koren, Collaborative Filtering with Temporal Dynamics, KDD 2009.
    """
    check("n_bins", n_bins, Number(1, 10_000, integer=True), "time_svd")
    check("day", day, Number(0, low_open=True), "time_svd")
    table = compose.read(interactions)
    names = Names(user, item, target, time)
    times = compose.numbers(table, time)
    first, last = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    length = np.nextafter(last - first, np.inf) / n_bins if last > first else 1.0
    steps = [
        *_pair(table, user, item),
        Drift.of(table, names, _weighted("user_drift")),
        Period(Column("user_day", role="user"), user, time, 0.0, float(day)),
        Period(Column("item_period", role="item"), item, time, first, float(length), n_bins),
    ]
    return cook(table, steps, Roles(target))


def _pair(table: Any, user: str, item: str) -> list[Step]:
    return [keep(table, user, "user"), keep(table, item, "item")]


def _weighted(name: str) -> Column:
    return Column(name, "multi", role="user", weight_separator=compose.WEIGHT_SEPARATOR)
