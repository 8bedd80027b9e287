"""Factorization machines: from raw rows to a trained model to a ranked list in production.

Names are loaded when they are first used, so that ``import fieldfare`` costs little more than
importing NumPy.
"""

from __future__ import annotations

import importlib
import sys
import types
import typing

from fieldfare._version import __version__

if typing.TYPE_CHECKING:
    from fieldfare.data.dataset import Dataset as Dataset
    from fieldfare.data.inspect import inspect as inspect
    from fieldfare.data.loading import load as load_data
    from fieldfare.data.one_hot import fields_of_one_hot as fields_of_one_hot
    from fieldfare.data.side_tables import JoinedTable as JoinedTable
    from fieldfare.estimators import BayesianFMClassifier as BayesianFMClassifier
    from fieldfare.estimators import BayesianFMOrdinalRegressor as BayesianFMOrdinalRegressor
    from fieldfare.estimators import BayesianFMRegressor as BayesianFMRegressor
    from fieldfare.estimators import FFMClassifier as FFMClassifier
    from fieldfare.estimators import FFMRegressor as FFMRegressor
    from fieldfare.estimators import FMClassifier as FMClassifier
    from fieldfare.estimators import FMRanker as FMRanker
    from fieldfare.estimators import FMRegressor as FMRegressor
    from fieldfare.estimators import FwFMClassifier as FwFMClassifier
    from fieldfare.estimators import FwFMRegressor as FwFMRegressor
    from fieldfare.estimators import HOFMClassifier as HOFMClassifier
    from fieldfare.estimators import HOFMRegressor as HOFMRegressor
    from fieldfare.estimators import LinearClassifier as LinearClassifier
    from fieldfare.estimators import LinearRegressor as LinearRegressor
    from fieldfare.exceptions import FieldfareError as FieldfareError
    from fieldfare.exceptions import FieldfareWarning as FieldfareWarning
    from fieldfare.explain import explain as explain
    from fieldfare.explain import field_interactions as field_interactions
    from fieldfare.explain import field_vectors as field_vectors
    from fieldfare.explain import latent_vectors as latent_vectors
    from fieldfare.explain import top_features as top_features
    from fieldfare.explain import top_interactions as top_interactions
    from fieldfare.export import export as export
    from fieldfare.foreign import load_foreign as load_foreign
    from fieldfare.models.base import Model as Model
    from fieldfare.models.posterior import Posterior as Posterior
    from fieldfare.persist.file import load_model as load_model
    from fieldfare.persist.file import save_model as save_model
    from fieldfare.persist.posterior import load_posterior as load_posterior
    from fieldfare.persist.posterior import save_posterior as save_posterior
    from fieldfare.retrieval import Recommender as Recommender
    from fieldfare.retrieval import build_index as build_index
    from fieldfare.retrieval import split as split
    from fieldfare.rows import Rows as Rows
    from fieldfare.schema.column import Column as Column
    from fieldfare.schema.schema import Schema as Schema
    from fieldfare.store.row_store import RowStore as RowStore
    from fieldfare.training.bayes.functions import sample as sample
    from fieldfare.training.crossval import cross_validate as cross_validate
    from fieldfare.training.functions import evaluate as evaluate
    from fieldfare.training.functions import predict as predict
    from fieldfare.training.functions import train as train
    from fieldfare.training.loop.callbacks import Callback as Callback
    from fieldfare.training.loop.callbacks import Checkpoint as Checkpoint
    from fieldfare.training.loop.history import History as History
    from fieldfare.training.prepare.start import Start as Start
    from fieldfare.training.ranking.folding import fold_in as fold_in

# Where each public name lives; "module:name" where it has another name there.
_HOMES = {
    "BayesianFMClassifier": "estimators",
    "BayesianFMOrdinalRegressor": "estimators",
    "BayesianFMRegressor": "estimators",
    "Callback": "training.loop.callbacks",
    "Checkpoint": "training.loop.callbacks",
    "Column": "schema.column",
    "Dataset": "data.dataset",
    "FFMClassifier": "estimators",
    "FFMRegressor": "estimators",
    "FMClassifier": "estimators",
    "FMRanker": "estimators",
    "FMRegressor": "estimators",
    "FieldfareError": "exceptions",
    "FieldfareWarning": "exceptions",
    "FwFMClassifier": "estimators",
    "FwFMRegressor": "estimators",
    "HOFMClassifier": "estimators",
    "HOFMRegressor": "estimators",
    "History": "training.loop.history",
    "JoinedTable": "data.side_tables",
    "LinearClassifier": "estimators",
    "LinearRegressor": "estimators",
    "Model": "models.base",
    "Posterior": "models.posterior",
    "Recommender": "retrieval",
    "RowStore": "store.row_store",
    "Rows": "rows",
    "Schema": "schema.schema",
    "Start": "training.prepare.start",
    "build_index": "retrieval",
    "cross_validate": "training.crossval",
    "evaluate": "training.functions",
    "explain": "explain",
    "export": "export",
    "field_interactions": "explain",
    "field_vectors": "explain",
    "fields_of_one_hot": "data.one_hot",
    "fold_in": "training.ranking.folding",
    "inspect": "data.inspect",
    "latent_vectors": "explain",
    "load_data": "data.loading:load",
    "load_foreign": "foreign",
    "load_model": "persist.file",
    "load_posterior": "persist.posterior",
    "predict": "training.functions",
    "sample": "training.bayes.functions",
    "save_model": "persist.file",
    "save_posterior": "persist.posterior",
    "split": "retrieval",
    "top_features": "explain",
    "top_interactions": "explain",
    "train": "training.functions",
}

__all__ = [
    "BayesianFMClassifier",
    "BayesianFMOrdinalRegressor",
    "BayesianFMRegressor",
    "Callback",
    "Checkpoint",
    "Column",
    "Dataset",
    "FFMClassifier",
    "FFMRegressor",
    "FMClassifier",
    "FMRanker",
    "FMRegressor",
    "FieldfareError",
    "FieldfareWarning",
    "FwFMClassifier",
    "FwFMRegressor",
    "HOFMClassifier",
    "HOFMRegressor",
    "History",
    "JoinedTable",
    "LinearClassifier",
    "LinearRegressor",
    "Model",
    "Posterior",
    "Recommender",
    "RowStore",
    "Rows",
    "Schema",
    "Start",
    "__version__",
    "build_index",
    "cross_validate",
    "evaluate",
    "explain",
    "export",
    "field_interactions",
    "field_vectors",
    "fields_of_one_hot",
    "fold_in",
    "inspect",
    "latent_vectors",
    "load_data",
    "load_foreign",
    "load_model",
    "load_posterior",
    "predict",
    "sample",
    "save_model",
    "save_posterior",
    "split",
    "top_features",
    "top_interactions",
    "train",
]


def __getattr__(name: str) -> typing.Any:
    if name not in _HOMES:
        hint = "" if name.startswith("_") else _hint(name)
        raise AttributeError(f"module 'fieldfare' has no attribute {name!r}{hint}")
    module, _, alias = _HOMES[name].partition(":")
    value = getattr(importlib.import_module(f"fieldfare.{module}"), alias or name)
    globals()[name] = value
    return value


def _hint(name: str) -> str:
    from fieldfare._validation import closest

    return (found := closest(name, __all__)) and f".{found}"


def __dir__() -> list[str]:
    return list(__all__)


class _Facade(types.ModuleType):
    """Keeps verbs callable that share their name with a package, such as `export`.

    When a submodule is first imported, the import system assigns it to its parent. For public names
    that is not wanted: ``fieldfare.export`` stays the function.
    """

    def __setattr__(self, name: str, value: typing.Any) -> None:
        if not (isinstance(value, types.ModuleType) and name in _HOMES):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[typing.Any, ...]:
        """Pickle by name, as cloudpickle does with plain modules but not with a subclass.

        A function that uses a global ``fieldfare`` can then be sent to another process.
        """
        return importlib.import_module, (self.__name__,)


sys.modules[__name__].__class__ = _Facade
