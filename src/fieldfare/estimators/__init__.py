"""scikit-learn estimators."""

from fieldfare.estimators.bayesian import BayesianFMRegressor
from fieldfare.estimators.bayesian_classes import BayesianFMClassifier, BayesianFMOrdinalRegressor
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
