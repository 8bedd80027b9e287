"""Retrieval: a model as two towers, indexes of its items, recommendations, how good they are.

References
----------
S. Rendle, Factorization Machines, ICDM 2010.
Y. Bachrach et al., Speeding Up the Xbox Recommender System Using a Euclidean Transformation for
Inner-Product Spaces, RecSys 2014.
"""

from fieldfare.retrieval.answers import Recommended
from fieldfare.retrieval.comparison import Comparison, compare
from fieldfare.retrieval.evaluation import Evaluation, Trial, evaluate_scores
from fieldfare.retrieval.index import Index, build_index
from fieldfare.retrieval.merging import Merged, merge_lists
from fieldfare.retrieval.recommender import Recommender
from fieldfare.retrieval.splitting import Split, split
from fieldfare.retrieval.two_step import TwoStep
from fieldfare.retrieval.vector_files import write_vectors
from fieldfare.retrieval.vector_store import write_to_redis
from fieldfare.retrieval.vectors import Vectors

__all__ = [
    "Comparison",
    "Evaluation",
    "Index",
    "Merged",
    "Recommended",
    "Recommender",
    "Split",
    "Trial",
    "TwoStep",
    "Vectors",
    "build_index",
    "compare",
    "evaluate_scores",
    "merge_lists",
    "split",
    "write_to_redis",
    "write_vectors",
]
