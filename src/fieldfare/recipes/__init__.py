"""Recipes: special models as factorization machines, by the choice of features.

Each function turns a table of interactions into a `Recipe`: a training table with its Schema, and
the way to make the same columns for new rows.

A factorization machine sees every pair of features. Split the features of a row into those of the
item (or tag) that is asked for, I, and all others, U. Then (Rendle 2010, eq. 1)

    score = w_0 + sum_I w_i x_i + sum_U w_u x_u
            + <sum_I x_i v_i, sum_U x_u v_u> + pairs inside I + pairs inside U.

The pairs across are those that the special models have; what lies inside U is the same for all
items, and so never changes their order. Each function says which terms its model does not have.

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
