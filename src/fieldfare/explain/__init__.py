"""Why a model predicts what it does: exact decompositions, top interactions, latent vectors."""

from __future__ import annotations

from fieldfare.explain.decomposition import Explanation, explain
from fieldfare.explain.interactions import FieldMatrix, field_interactions, top_interactions
from fieldfare.explain.ranking import Ranking, top_features
from fieldfare.explain.vectors import field_vectors, latent_vectors

__all__ = [
    "Explanation",
    "FieldMatrix",
    "Ranking",
    "explain",
    "field_interactions",
    "field_vectors",
    "latent_vectors",
    "top_features",
    "top_interactions",
]
