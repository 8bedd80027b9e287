"""scikit-learn estimators.

The modules named after a kind of model hold the classes, with their signatures and docstrings, and
are generated; what the classes do is written by hand in those named after a task.
"""

from fieldfare.estimators.bayesian import (
    BayesianFMClassifier,
    BayesianFMOrdinalRegressor,
    BayesianFMRegressor,
)
from fieldfare.estimators.ffm import FFMClassifier, FFMRegressor
from fieldfare.estimators.fm import FMClassifier, FMRanker, FMRegressor
from fieldfare.estimators.fwfm import FwFMClassifier, FwFMRegressor
from fieldfare.estimators.hofm import HOFMClassifier, HOFMRegressor
from fieldfare.estimators.linear import LinearClassifier, LinearRegressor

__all__ = [
    "BayesianFMClassifier",
    "BayesianFMOrdinalRegressor",
    "BayesianFMRegressor",
    "FFMClassifier",
    "FFMRegressor",
    "FMClassifier",
    "FMRanker",
    "FMRegressor",
    "FwFMClassifier",
    "FwFMRegressor",
    "HOFMClassifier",
    "HOFMRegressor",
    "LinearClassifier",
    "LinearRegressor",
]
