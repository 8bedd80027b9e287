"""The estimators that train by gradients, by task."""

from __future__ import annotations

from fieldfare.estimators import (
    FFMClassifier,
    FFMRegressor,
    FMClassifier,
    FMRegressor,
    FwFMClassifier,
    FwFMRegressor,
    HOFMClassifier,
    HOFMRegressor,
    LinearClassifier,
    LinearRegressor,
)

CLASSIFIERS = [LinearClassifier, FMClassifier, FFMClassifier, FwFMClassifier, HOFMClassifier]
REGRESSORS = [LinearRegressor, FMRegressor, FFMRegressor, FwFMRegressor, HOFMRegressor]
