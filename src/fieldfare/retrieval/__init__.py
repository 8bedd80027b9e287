"""Retrieval: a trained model as two towers, indexes of its items, and recommendations.

References
----------
S. Rendle, Factorization Machines, ICDM 2010.
Y. Bachrach et al., Speeding Up the Xbox Recommender System Using a Euclidean Transformation for
Inner-Product Spaces, RecSys 2014.
"""

from fieldfare.retrieval.answers import Recommended
from fieldfare.retrieval.index import Index, build_index
from fieldfare.retrieval.recommender import Recommender, TwoStep
from fieldfare.retrieval.splitting import Split, split

__all__ = ["Index", "Recommended", "Recommender", "Split", "TwoStep", "build_index", "split"]
