"""Recipes of ranking models: what to offer in a context. Their scores matter by order only."""

from __future__ import annotations

from typing import Any

from fieldfare._random import resolve_seed
from fieldfare._validation import Number, check
from fieldfare.recipes._base import Recipe, Roles, Step, cook, keep
from fieldfare.recipes._histories import Baskets, LastBasket, Names
from fieldfare.recipes._tables import Negatives
from fieldfare.schema import compose
from fieldfare.schema.column import Column

_TARGET = "target"


def pitf(
    interactions: Any,
    *,
    user: str = "user",
    item: str = "item",
    tag: str = "tag",
    n_negatives: int = 5,
    random_state: Any = None,
) -> Recipe:
    """Pairwise interaction tensor factorisation (PITF): the tags a user will give an item.

    The model (Rendle and Schmidt-Thieme 2010) has two vectors for each tag:

        score = <u, t^U> + <i, t^I>

    The FM (Rendle 2010, sec. V-C) is ``w_0 + w_u + w_i + w_t + <v_u, v_t> + <v_i, v_t> + <v_u,
    v_i>``, in which all terms without t are the same for all tags of a post. Between tags it is

        score = w_t + <v_u + v_i, v_t>    (plus what does not depend on t)

    that is PITF with a bias and with t^U = t^I. Two vectors again has a field-aware model
    (``model="ffm"`` with ``fit_linear=False``), which is PITF but for <u, i>; and an FM of
    twice the rank, v_u = (u, 0), v_i = (0, i), v_t = (t^U, t^I), is PITF itself.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row for each tag given.
    user, item, tag : str
        Names of the columns that say who tagged what and how. Taken as categories.
    n_negatives : int in [0, inf)
        Tags drawn for each one given, evenly from those not given in the post (this user and this
        item). They have the target 0, tags given the target 1.
    random_state : int, RandomState, Generator or None
        Seed of the draws.

    Returns
    -------
    Recipe
        With the columns ``user``, ``item`` and ``tag``, the target ``target`` and the group
        ``post``. `Recipe.transform` draws no negatives.

    Raises
    ------
    SchemaError
        If a column is missing or holds what it may not.

    References
    ----------
    S. Rendle, L. Schmidt-Thieme, Pairwise Interaction Tensor Factorization for Personalized Tag
    Recommendation, WSDM 2010.
    """
    check("n_negatives", n_negatives, Number(0, integer=True), "pitf")
    table = compose.read(interactions)
    given = (user, item)
    draw = Negatives(given, tag, n_negatives, resolve_seed(random_state))
    rows = draw.add(table, _TARGET)
    steps: list[Step] = [
        keep(rows, user, "user"),
        keep(rows, item, "context"),
        keep(rows, tag, "item"),
    ]
    return cook(rows, steps, Roles(_TARGET, "post", given))


def fpmc(
    interactions: Any,
    *,
    user: str = "user",
    item: str = "item",
    time: str = "time",
    n_negatives: int = 5,
    random_state: Any = None,
) -> Recipe:
    """Factorised personalised Markov chains (FPMC): what comes after the last basket.

    The model (Rendle, Freudenthaler and Schmidt-Thieme 2010), with B the last basket of
    the user before time t, m items in it:

        score = <v_u^{U,I}, v_i^{I,U}> + 1/m sum_{l in B} <v_i^{I,L}, v_l^{L,I}>

    The FM (Rendle 2010, sec. V-D) is, between items,

        score = w_i + <v_u + 1/m sum_{l in B} v_l, v_i>    (plus what does not depend on i)

    that is FPMC with a bias and with v_i^{I,U} = v_i^{I,L}. An FM of twice the rank, v_u = (u,
    0), v_l = (0, l), v_i = (i^U, i^L), ranks as FPMC does, and so does a field-aware model with
    ``fit_linear=False``. The item and the same item in a basket are different features.

    A basket is what a user has bought at one time. It is looked up in the history, strictly before
    the time of the row: to predict what follows the newest baskets, give the newest history to
    `Recipe.transform`.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row for each item of each basket.
    user, item, time : str
        Names of the columns that say who, what and when. Times are numbers or dates.
    n_negatives : int in [0, inf)
        Items drawn for each one bought, evenly from those not in the basket. They have the target
        0, items bought the target 1.
    random_state : int, RandomState, Generator or None
        Seed of the draws.

    Returns
    -------
    Recipe
        With the columns ``user``, ``item`` and ``last_basket`` (missing before the first one),
        the target ``target`` and the group ``basket``. `Recipe.transform` draws no negatives.

    Raises
    ------
    SchemaError
        If a column is missing or holds what it may not.

    References
    ----------
    S. Rendle, C. Freudenthaler, L. Schmidt-Thieme, Factorizing Personalized Markov Chains for
    Next-Basket Recommendation, WWW 2010.
    """
    check("n_negatives", n_negatives, Number(0, integer=True), "fpmc")
    table = compose.read(interactions)
    given, names = (user, time), Names(user, item, None, time)
    draw = Negatives(given, item, n_negatives, resolve_seed(random_state))
    rows = draw.add(table, _TARGET)
    basket = Column("last_basket", "multi", role="user", weight_separator=compose.WEIGHT_SEPARATOR)
    steps: list[Step] = [
        keep(rows, user, "user"),
        keep(rows, item, "item"),
        LastBasket(basket, names, Baskets.of(table, names)),
    ]
    return cook(rows, steps, Roles(_TARGET, "basket", given))
