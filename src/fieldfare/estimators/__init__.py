"""scikit-learn estimators: the only place that sees scikit-learn."""

from fieldfare.estimators.bayesian import (
    BayesianFMClassifier,
    BayesianFMOrdinalRegressor,
    BayesianFMRegressor,
)
from fieldfare.estimators.classifier import FFMClassifier, FMClassifier, LinearClassifier
from fieldfare.estimators.fwfm import FwFMClassifier, FwFMRegressor
from fieldfare.estimators.hofm import HOFMClassifier, HOFMRegressor
from fieldfare.estimators.ranker import FMRanker
from fieldfare.estimators.regressor import FFMRegressor, FMRegressor, LinearRegressor

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
