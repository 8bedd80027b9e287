"""Recipes of ranking models: what to offer in a context. Only the order of their scores matters."""

from __future__ import annotations

from typing import Any

from fieldfare._arguments import checked
from fieldfare._random import resolve_seed
from fieldfare._validation import Number, check
from fieldfare.recipes._base import LabelColumns, Recipe, Step, category, make_recipe
from fieldfare.recipes._histories import Baskets, InteractionColumns, LastBasket
from fieldfare.recipes._tables import UnobservedRows
from fieldfare.schema import compose
from fieldfare.schema.column import Column

_TARGET = "target"


@checked
def pitf(
    interactions: Any,
    *,
    user: str = "user",
    item: str = "item",
    tag: str = "tag",
    n_negatives: int = 5,
    random_state: Any = None,
) -> Recipe:
    """Pairwise interaction tensor factorisation (PITF): the tags that a user will give an item.

    The model (Rendle and Schmidt-Thieme 2010) has two vectors per tag:

        score = <u, t^U> + <i, t^I>

    The FM (Rendle 2010, sec. V-C) is ``w_0 + w_u + w_i + w_t + <v_u, v_t> + <v_i, v_t> + <v_u,
    v_i>``, in which all terms without t are the same for all tags of a post. Between tags it is

        score = w_t + <v_u + v_i, v_t>    (plus what does not depend on t)

    which is PITF with a bias and with t^U = t^I. A field-aware model (``model="ffm"`` with
    ``fit_linear=False``) also has two vectors per tag, and is PITF plus <u, i>. An FM of twice the
    rank with v_u = (u, 0), v_i = (0, i) and v_t = (t^U, t^I) is exactly PITF.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row per tag that was given.
    user, item, tag : str
        Names of the columns of users, items and tags, which are taken as categorical.
    n_negatives : int in [0, 65536]
        Tags drawn per given tag, uniformly from those not given in the same post (by this user to
        this item). Their target is 0, that of given tags is 1.
    random_state : int, RandomState, Generator or None
        Seed of the draws.

    Returns
    -------
    Recipe
        With the columns ``user``, ``item`` and ``tag``, the target ``target`` and the group
        ``post``. `Recipe.transform` draws no negatives.

    Raises
    ------
    ConfigError
        If ``n_negatives`` is out of range.
    SchemaError
        If a column is missing or has empty cells.

    References
    ----------
    S. Rendle, L. Schmidt-Thieme, Pairwise Interaction Tensor Factorization for Personalized Tag
    Recommendation, WSDM 2010.
    """
    check("n_negatives", n_negatives, Number(0, 65536, integer=True), "pitf")
    table = compose.read(interactions)
    given = (user, item)
    draw = UnobservedRows(given, tag, n_negatives, resolve_seed(random_state))
    rows = draw.add(table, _TARGET)
    steps: list[Step] = [
        category(rows, user, "user"),
        category(rows, item, "context"),
        category(rows, tag, "item"),
    ]
    return make_recipe(rows, steps, LabelColumns(_TARGET, "post", given))


@checked
def fpmc(
    interactions: Any,
    *,
    user: str = "user",
    item: str = "item",
    time: str = "time",
    n_negatives: int = 5,
    random_state: Any = None,
) -> Recipe:
    """Factorised personalised Markov chains (FPMC): what a user buys after the last basket.

    The model (Rendle, Freudenthaler and Schmidt-Thieme 2010), with B the user's last basket before
    time t, which holds m items:

        score = <v_u^{U,I}, v_i^{I,U}> + 1/m sum_{l in B} <v_i^{I,L}, v_l^{L,I}>

    The FM (Rendle 2010, sec. V-D) is, between items,

        score = w_i + <v_u + 1/m sum_{l in B} v_l, v_i>    (plus what does not depend on i)

    which is FPMC with a bias and with v_i^{I,U} = v_i^{I,L}. An FM of twice the rank with
    v_u = (u, 0), v_l = (0, l) and v_i = (i^U, i^L) ranks exactly as FPMC does, and so does a
    field-aware model with ``fit_linear=False``. An item and the same item in a basket are different
    features.

    A basket holds all the items that a user bought at one time. It is looked up in the history,
    strictly before the time of the row. To predict what follows the newest baskets, pass the newest
    history to `Recipe.transform`.

    Parameters
    ----------
    interactions : path, DataFrame, Arrow table or anything tabular
        One row per item of each basket.
    user, item, time : str
        Names of the columns of users, items and times. Times are numbers or dates.
    n_negatives : int in [0, 65536]
        Items drawn per item bought, uniformly from those not in the same basket. Their target is 0,
        that of items bought is 1.
    random_state : int, RandomState, Generator or None
        Seed of the draws.

    Returns
    -------
    Recipe
        With the columns ``user``, ``item`` and ``last_basket`` (missing if there is no earlier
        basket), the target ``target`` and the group ``basket``. `Recipe.transform` draws no
        negatives.

    Raises
    ------
    ConfigError
        If ``n_negatives`` is out of range.
    SchemaError
        If a column is missing, has empty cells, or holds times that are neither numbers nor dates.

    References
    ----------
    S. Rendle, C. Freudenthaler, L. Schmidt-Thieme, Factorizing Personalized Markov Chains for
    Next-Basket Recommendation, WWW 2010.
    """
    check("n_negatives", n_negatives, Number(0, 65536, integer=True), "fpmc")
    table = compose.read(interactions)
    given, names = (user, time), InteractionColumns(user, item, None, time)
    draw = UnobservedRows(given, item, n_negatives, resolve_seed(random_state))
    rows = draw.add(table, _TARGET)
    basket = Column("last_basket", "multi", role="user", weight_separator=compose.WEIGHT_SEPARATOR)
    steps: list[Step] = [
        category(rows, user, "user"),
        category(rows, item, "item"),
        LastBasket(basket, names, Baskets.of(table, names)),
    ]
    return make_recipe(rows, steps, LabelColumns(_TARGET, "basket", given))
