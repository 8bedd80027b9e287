"""Recipes of rating models. In all formulas, ``v`` is a latent vector and ``w`` a weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._validation import Number, check
from fieldfare.recipes._base import LabelColumns, Recipe, Step, category, make_recipe
from fieldfare.recipes._histories import InteractionColumns, ItemBaseline, Rated, UserHistory
from fieldfare.recipes._tables import attributes
from fieldfare.recipes._time import Drift, Period
from fieldfare.schema import compose
from fieldfare.schema.column import Column


@checked
def matrix_factorization(
    interactions: Any, *, user: str = "user", item: str = "item", target: str | None = None
) -> Recipe:
    """Matrix factorisation with biases.

    The model and the FM are the same (Rendle 2010, sec. V-A; Koren, Bell and Volinsky 2009, eq. 4):

        score = w_0 + w_u + w_i + <v_u, v_i>

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row per rating, click or purchase.
    user, item : str
        Names of the columns of users and items, which are taken as categorical whatever their type.
    target : str or None
        Name of the column to predict; ``None`` if there is none.

    Returns
    -------
    Recipe
        With the columns ``user`` and ``item``.

    Raises
    ------
    SchemaError
        If a column is missing or holds values that are not allowed.

    References
    ----------
    Y. Koren, R. Bell, C. Volinsky, Matrix Factorization Techniques for Recommender Systems, IEEE
    Computer 42(8), 2009.
    """
    table = compose.read(interactions)
    return make_recipe(table, _user_and_item(table, user, item), LabelColumns(target))


@checked
def svdpp(
    interactions: Any, *, user: str = "user", item: str = "item", target: str | None = None
) -> Recipe:
    """SVD++: a user is described by the items that he or she has rated, too.

    The model (Koren 2008, eq. 15), with N(u) the n items that u has rated:

        score = mu + b_u + b_i + <q_i, p_u + n^-1/2 sum_{j in N(u)} y_j>

    The FM (Rendle 2010, sec. V-B) has the additional terms
    ``n^-1/2 sum_j (w_j + <v_u, v_j>) + n^-1 sum_{j<l} <v_j, v_l>``. They depend only on the user,
    so the weight w_u can compensate for them: every SVD++ is an FM of the same rank.

    As in SVD++, N(u) is the same for all rows of a user. In training it contains the item of the
    row itself; in prediction only if that is in the history.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row per rating. A row becomes 2 + n entries, so the training data grow with the square
        of the number of ratings per user.
    user, item : str
        Names of the columns of users and items, which are taken as categorical whatever their type.
    target : str or None
        Name of the column to predict; ``None`` if there is none.

    Returns
    -------
    Recipe
        With the columns ``user``, ``item`` and ``rated_items``. In the last, each item of N(u) has
        the value n^-1/2; for users without a history it is missing.

    Raises
    ------
    SchemaError
        If a column is missing or holds values that are not allowed.

    References
    ----------
    Y. Koren, Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering Model,
    KDD 2008.
    """
    table = compose.read(interactions)
    names = InteractionColumns(user, item)
    rated = Rated(_weighted("rated_items"), names, UserHistory.of(table, names, None), None, False)
    return make_recipe(table, [*_user_and_item(table, user, item), rated], LabelColumns(target))


@checked
def knn(
    interactions: Any, *, user: str = "user", item: str = "item", target: str | None = None
) -> Recipe:
    """Nearest neighbours of the item among the rated items, with factorised weights.

    The model (the factorised neighbourhood of Koren 2010), with R(u) the n *other* items that u has
    rated and b_j the expected rating of item j:

        score = mu + b_i + n^-1/2 sum_{j in R(u)} (r_uj - b_j) <q_i, y_j>

    With x_j = n^-1/2 (r_uj - b_j), the FM (Rendle 2012) has the additional terms
    ``sum_j x_j w_j + sum_{j<l} x_j x_l <v_j, v_l>``, which depend only on the user's ratings. They
    act as a bias of the user that is learned without the user's id. New users therefore need no
    retraining: pass their ratings as ``history`` to `Recipe.transform`.

    The item of a row is left out of R(u) in training and prediction, and b_j is the mean rating of
    item j, shrunk towards the mean of all, so that a row does not see its own target. (A mean over
    the user's ratings would contain it.) Without a target, r_uj - b_j is one.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row per rating. A row becomes 1 + n entries, so the training data grow with the square
        of the number of ratings per user. If a user has rated an item several times, the mean
        counts.
    user, item : str
        Names of the columns of users and items, which are taken as categorical whatever their type.
    target : str or None
        Name of the column of ratings, which are also what is predicted.

    Returns
    -------
    Recipe
        With the columns ``item`` and ``rated_items``. In the last, item j has the value x_j; for
        users without other ratings it is missing.

    Raises
    ------
    SchemaError
        If a column is missing or holds values that are not allowed.

    References
    ----------
    Y. Koren, Factor in the Neighbors: Scalable and Accurate Collaborative Filtering, ACM TKDD
    4(1), 2010.
    """
    table = compose.read(interactions)
    names = InteractionColumns(user, item, target)
    baseline = None if target is None else ItemBaseline.of(table, names)
    history = UserHistory.of(table, names, baseline)
    rated = Rated(_weighted("rated_items"), names, history, baseline, True)
    return make_recipe(table, [category(table, item, "item"), rated], LabelColumns(target))


@checked
def attribute_aware(
    interactions: Any,
    *,
    user: str = "user",
    item: str = "item",
    target: str | None = None,
    users: Any = None,
    items: Any = None,
) -> Recipe:
    """Attributes of users and items, by which new ones can be scored too.

    With A(u) and A(i) the features of a user and an item, including their ids (Rendle 2012; Stern,
    Herbrich and Graepel 2009):

        score = w_0 + sum_{a in A(u)} x_a w_a + sum_{b in A(i)} x_b w_b + <s_u, t_i>
        s_u = sum_{a in A(u)} x_a v_a,   t_i = sum_{b in A(i)} x_b v_b

    The FM also has the interactions within A(u) and within A(i), which act as a bias of the user
    and one of the item. The latter differs between items, so an FM ranks with a richer bias of the
    item.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row per rating, click or purchase.
    user, item : str
        Names of the columns of users and items, which are taken as categorical whatever their type.
    target : str or None
        Name of the column to predict; ``None`` if there is none.
    users, items : anything tabular, or None
        One row per user or item, with an id column of the same name as in the interactions. The
        kinds of the other columns are inferred; change them with ``recipe.schema.edit``.

    Returns
    -------
    Recipe
        With the columns ``user`` and ``item`` and those of the side tables. The attributes of users
        and items that are not in their table are missing.

    Raises
    ------
    SchemaError
        If a column is missing, two have the same name, or a side table has several rows for an id.

    References
    ----------
    D. Stern, R. Herbrich, T. Graepel, Matchbox: Large Scale Online Bayesian Recommendations, WWW
    2009.
    """
    table = compose.read(interactions)
    steps = _user_and_item(table, user, item)
    for side, key, role in ((users, user, "user"), (items, item, "item")):
        if side is not None:
            steps += attributes(side, key, role)
    return make_recipe(table, steps, LabelColumns(target))


@checked
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
    """Users whose taste drifts and items whose popularity changes, as in timeSVD.

    The model (Koren 2009, without implicit feedback):

        score = mu + b_u(t) + b_i(t) + <q_i, p_u(t)>
        b_u(t) = b_u + alpha_u dev_u(t) + b_{u,day(t)},   b_i(t) = b_i + b_{i,bin(t)}
        p_u(t) = p_u + alpha_u dev_u(t) + p_{u,day(t)}    (alpha_u a vector here)

    with ``dev_u(t) = sign(t - t_u) |t - t_u|^0.4`` and t_u the mean time of the user's ratings. The
    FM has five features: the user, the user with the value dev_u(t), the user's day, the item, and
    the item's bin of time. It has additional terms: q_i(t) = q_i + q_{i,bin(t)} in place of q_i,
    the interactions between the three features of the user, for which b_{u,day(t)} can compensate,
    and that between item and bin, for which b_{i,bin(t)} can. Every timeSVD is therefore an FM of
    the same rank, with q_{i,bin} = 0.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row per rating.
    user, item, time : str
        Names of the columns of users, items and times. Times are numbers, or dates, which are
        converted to seconds.
    target : str or None
        Name of the column to predict; ``None`` if there is none.
    n_bins : int in [1, 10000]
        Number of periods of equal length into which the time of training is divided, for items.
        Later times belong to the last period.
    day : float in (0, inf)
        Length of a day, in the unit of the times.

    Returns
    -------
    Recipe
        With the columns ``user``, ``item``, ``user_drift`` (in which a user has the value dev_u(t),
        scaled so that the largest training value is 1), ``user_day`` and ``item_period``.

    Raises
    ------
    SchemaError
        If a column is missing or holds values that are not allowed.
    ConfigError
        If ``n_bins`` or ``day`` are out of range.

    References
    ----------
    Y. Koren, Collaborative Filtering with Temporal Dynamics, KDD 2009.
    """
    check("n_bins", n_bins, Number(1, 10_000, integer=True), "time_svd")
    check("day", day, Number(0, low_open=True), "time_svd")
    table = compose.read(interactions)
    names = InteractionColumns(user, item, target, time)
    times = compose.numbers(table, time)
    first, last = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    length = np.nextafter(last - first, np.inf) / n_bins if last > first else 1.0
    steps = [
        *_user_and_item(table, user, item),
        Drift.of(table, names, _weighted("user_drift")),
        Period(Column("user_day", role="user"), user, time, 0.0, float(day)),
        Period(Column("item_period", role="item"), item, time, first, float(length), n_bins),
    ]
    return make_recipe(table, steps, LabelColumns(target))


def _user_and_item(table: Any, user: str, item: str) -> list[Step]:
    return [category(table, user, "user"), category(table, item, "item")]


def _weighted(name: str) -> Column:
    return Column(name, "multi", role="user", weight_separator=compose.WEIGHT_SEPARATOR)
