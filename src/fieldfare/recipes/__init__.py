"""Recipes: special models expressed as factorization machines, by the choice of features.

Each function turns a table of interactions into a `Recipe`: a training table with its Schema, and
the steps that make the same columns for new rows.

A factorization machine models every pair of features. Split the features of a row into those of the
item (or tag) to be scored, I, and all others, U. Then (Rendle 2010, eq. 1)

    score = w_0 + sum_I w_i x_i + sum_U w_u x_u
            + <sum_I x_i v_i, sum_U x_u v_u> + interactions within I + interactions within U.

The interactions across are those of the special models. The interactions within U are the same for
all items, so they never change the order of items. The docstring of each function says which other
terms the factorization machine adds.

References
----------
S. Rendle, Factorization Machines, ICDM 2010, section V.
S. Rendle, Factorization Machines with libFM, ACM TIST 3(3), 2012.
"""

from fieldfare.recipes._base import Recipe
from fieldfare.recipes.ranking import fpmc, pitf
from fieldfare.recipes.rating import (
    attribute_aware,
    knn,
    matrix_factorization,
    svdpp,
    time_svd,
)

__all__ = [
    "Recipe",
    "attribute_aware",
    "fpmc",
    "knn",
    "matrix_factorization",
    "pitf",
    "svdpp",
    "time_svd",
]
