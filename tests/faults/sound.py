"""Arguments that are as they should be: what a door is called with besides the bad value."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from tests.faults.doors import Door

import fieldfare
from fieldfare import estimators, recipes, retrieval, rows
from fieldfare.training.bayes.functions import sample

Given = dict[str, Callable[[], Any]]

N_ROWS = 48
QUICK: dict[str, Any] = {"n_factors": 2, "max_iter": 1, "random_state": 0, "n_jobs": 1}
ROLES = {"user": "user", "item": "item"}


class Sound:
    """Sound arguments by name, and instances by class, made in the current folder."""

    def __init__(self) -> None:
        import_module("matplotlib.pyplot")  # which an import cut short would leave broken
        table = {
            "user": [f"u{i % 7}" for i in range(N_ROWS)],
            "item": [f"i{i % 5}" for i in range(N_ROWS)],
            "time": list(range(N_ROWS)),
            "clicked": [i * 7 % 3 % 2 for i in range(N_ROWS)],
        }
        self.table = pd.DataFrame(table)
        self.table.to_csv("d.csv", index=False)
        self.features = self.table[["user", "item"]]
        self.items = pd.DataFrame({"item": sorted(set(table["item"]))})
        self.y = self.table["clicked"].to_numpy()
        self.data = fieldfare.load_data(self.table[["user", "item", "clicked"]], target="clicked")
        self.model = fieldfare.train(self.data, **QUICK).model
        self.posterior = sample(
            self.data, n_factors=2, n_warmup=1, n_samples=2, random_state=0, n_jobs=1
        ).posterior
        self.items.to_csv("items.csv", index=False)
        self.regression = fieldfare.train(self.data, task="regression", **QUICK).model
        fieldfare.save_model(self.model, "m.ff")
        fieldfare.save_posterior(self.posterior, "p.ff")
        self.data.schema.unfitted().write_columns("columns.json")
        self.store = fieldfare.RowStore.build([self.data.rows], "s.store", schema=self.data.schema)
        self.recommender = self._recommender()
        self.recommender.save("r.index")
        self.recall = fieldfare.FMRanker(n_factors=2, max_iter=1, n_jobs=1).fit(
            self.table, roles=ROLES
        )
        self.split = retrieval.split(self.regression, ROLES)
        self.index = retrieval.build_index(np.eye(3, dtype=np.float32))
        self.trial = retrieval.Trial.of(self.table, self.table)
        self.estimators = {
            name: self._fitted(value)
            for name, value in vars(estimators).items()
            if name in fieldfare.__all__ and inspect.isclass(value)
        }

    def _recommender(self) -> Any:
        return fieldfare.Recommender(
            self.regression, self.items, history=self.features, roles=ROLES
        )

    def _fitted(self, kind: Any) -> Any:
        estimator = kind(random_state=0)
        self.quick(estimator)
        return estimator.fit(self.features, self.y, **self.fit_arguments(estimator))

    def quick(self, estimator: Any, except_for: str = "") -> None:
        """Give an estimator settings that take no time, but for one parameter."""
        settings = {"n_factors": 2, "max_iter": 1, "n_samples": 2, "n_warmup": 1, "n_jobs": 1}
        known = estimator.get_params()
        estimator.set_params(
            **{k: v for k, v in settings.items() if k in known and k != except_for}
        )

    def fit_arguments(self, estimator: Any) -> dict[str, Any]:
        """Return what ``fit`` needs besides X and y."""
        is_ranker = isinstance(estimator, fieldfare.FMRanker)
        return {"qid": np.arange(N_ROWS) // 4} if is_ranker else {}

    def check(self, door: Door) -> None:
        """Raise KeyError if a door needs an argument or an instance that is not known here."""
        self.arguments(door)
        static = None if door.of is None else inspect.getattr_static(door.of, door.attribute)
        if door.of is not None and not isinstance(static, (classmethod, staticmethod)):
            self.instance(door.of)

    # --- by name --------------------------------------------------------------------------------

    def arguments(self, door: Door) -> dict[str, Any]:
        """Return what a door has to be given, and what keeps it quick.

        Raises
        ------
        KeyError
            If a parameter has no default and is not known here: add it.
        """
        own = self._by_door().get(door.name, {})
        common = self._by_name()
        given = dict(own)
        for name in door.required:
            if name not in given:
                given[name] = common[name]
        return {name: value() for name, value in given.items()}

    def _by_door(self) -> dict[str, Given]:
        """Return what a door needs otherwise than by the names of its parameters."""
        recipe = {"interactions": lambda: self.table.rename(columns={"clicked": "rating"})}
        data = self.data
        quick: Given = {name: partial(int, value) for name, value in QUICK.items()}
        return {
            "Index.change": {"removed": list, "added": lambda: np.eye(3, dtype=np.float32)},
            "Index.taken": {"places": lambda: np.array([0, 2])},
            "fold_in": {"model": lambda: self.recall, "known": lambda: self.table},
            "load": {"target": lambda: "clicked"},
            "inspect": {"target": lambda: "clicked"},
            "train": quick,
            "cross_validate": {**quick, "folds": lambda: 2},
            "sample": {
                "n_factors": lambda: 2,
                "n_warmup": lambda: 1,
                "n_samples": lambda: 2,
                "random_state": lambda: 0,
                "n_jobs": lambda: 1,
            },
            **{name: recipe for name in recipes.__all__ if name not in ("Recipe", "fpmc", "pitf")},
            "pitf": recipe | {"tag": lambda: "time"},
            "Recipe.transform": {"table": lambda: self.table},
            "top_interactions": {"by": lambda: "field"},
            "Recommender": {"model": lambda: self.regression, "roles": lambda: ROLES},
            "Recommender.load": {"folder": lambda: "r.index", "model": lambda: self.regression},
            "Recommender.save": {"folder": lambda: "out.index"},
            "Recommender.similar_items": {"items": lambda: ["i1"]},
            "Recommender.remove_items": {"items": lambda: ["i1"]},
            "Recommender.explain": {"user": lambda: "u1", "item": lambda: "i1"},
            "Recommender.similar_users": {"users": lambda: ["u1"]},
            "Recommender.recommend": {"users": lambda: ["u1"]},
            "Vectors": {
                "side": lambda: "item",
                "column": lambda: "item",
                "ids": lambda: np.array([1, 2]),
                "values": lambda: np.eye(2, dtype=np.float32),
                "form": lambda: "inner",
                "bound": lambda: None,
                "model": lambda: "0",
            },
            "write_vectors": {
                "path": lambda: "out.parquet",
                "vectors": self.recommender.item_vectors,
            },
            "write_to_redis": {
                "url": lambda: "redis://127.0.0.1:1/0",
                "vectors": self.recommender.item_vectors,
            },
            "split": {"model": lambda: self.regression, "roles": lambda: ROLES},
            "RowStore.build": {"batches": lambda: [data.rows], "path": lambda: "new.store"},
            "RowStore.open": {"path": lambda: "s.store"},
            "RowStore.evict": {"rows": lambda: np.array([0])},
            "Rows.take": {"rows": lambda: np.array([0, 1])},
            "RelatedRows.take": {"rows": lambda: np.array([0, 1])},
            "RelatedRows.concatenate": {"parts": lambda: [self._related()]},
            "Schema.read_columns": {"path": lambda: "columns.json"},
            "Schema.write_columns": {"path": lambda: "out.json"},
            "Schema.indexed": {"n_features": lambda: 3, "n_fields": lambda: 2},
            "Schema.edit": {"column": lambda: "user"},
            "History.from_json": {"data": lambda: fieldfare.History().to_json()},
            "History.append": {"record": lambda: {"epoch": 1.0, "train_logloss": 0.5}},
            "Evaluation": {"by_user": lambda: {"hr@1": np.ones(2)}, "overall": dict},
            "Evaluation.interval": {"metric": lambda: "ndcg@10"},
            "FieldMatrix": {"names": lambda: ["a", "b"], "values": lambda: np.eye(2)},
            "plot_field_matrix": {"names": lambda: ["a", "b"], "values": lambda: np.eye(2)},
            "plot_history": {
                "history": lambda: fieldfare.History(epochs=[{"epoch": 1.0, "train_logloss": 0.5}])
            },
            "plot_trace": {"trace": lambda: self.estimators["BayesianFMRegressor"].trace_},
            "save_posterior": {"path": lambda: "out.ff"},
            "load_posterior": {"path": lambda: "p.ff"},
            "save_model": {"path": lambda: "out.ff"},
            "export": {"path": lambda: "out.json"},
            "Explanation": {"features": lambda: np.array([0])},
            "Posterior.blocks": {"rows": lambda: data.rows},
            "per_row": {"values": lambda: np.zeros(3), "n_rows": lambda: 3},
            **{f"{n}.load": {"path": partial(self._saved, n)} for n in self.estimators},
            **{f"{n}.save": {"path": lambda: "out.ff"} for n in self.estimators},
            **{
                f"{name}.{method}": {"y": lambda: self.y}
                for name in self.estimators
                for method in ("fit", "partial_fit", "score")
            },
            "FMRanker.fit": {"y": lambda: self.y, "qid": lambda: np.arange(N_ROWS) // 4},
            "FMRanker.score": {"y": lambda: self.y, "qid": lambda: np.arange(N_ROWS) // 4},
            "FMRanker.fold_in": {"known": lambda: self.features},
        }

    def _by_name(self) -> dict[str, Callable[[], Any]]:
        data = self.data
        one = lambda: np.array([0])  # noqa: E731
        return {
            "X": lambda: self.features,
            "source": lambda: "d.csv",
            "data": lambda: data,
            "table": lambda: self.table,
            "interactions": lambda: self.table,
            "train": lambda: self.table,
            "test": lambda: self.table,
            "model": lambda: self.model,
            "models": lambda: {"fm": self.regression},
            "posterior": lambda: self.posterior,
            "rows": lambda: data.rows,
            "own": lambda: data.rows,
            "parts": lambda: [data.rows],
            "schema": lambda: data.schema,
            "batch": lambda: self.table[["user", "item", "clicked"]],
            "batches": lambda: self.table[["user", "item", "clicked"]],
            "path": lambda: "m.ff",
            "folder": lambda: "r.index",
            "items": lambda: self.items,
            "history": lambda: self.features,
            "user": lambda: "u1",
            "users": lambda: ["u1"],
            "item": lambda: "i1",
            "channels": lambda: {"a": ["i1", "i2"]},
            "other": self._recommender,
            "relations": tuple,
            "codes": lambda: np.zeros(N_ROWS, np.int64),
            "start": lambda: 0,
            "stop": lambda: 2,
            "n": lambda: 2,
            "n_items": lambda: 3,
            "names": lambda: ["logloss"],
            "name": lambda: "logloss",
            "sides": lambda: {"item": self.items},
            "fields": lambda: {"user": "a", "item": "a"},
            "columns": lambda: ["user"],
            "metric": lambda: "logloss",
            "task": lambda: "binary",
            "y": lambda: np.array([0.0, 1.0, 1.0]),
            "pred": lambda: np.array([0.2, 0.4, 0.7]),
            "scores": lambda: np.zeros((1, 2)),
            "trial": lambda: self.trial,
            "vectors": lambda: np.eye(3, dtype=np.float32),
            "sample": lambda: {"user": "u1", "item": "i1"},
            "context": lambda: {"user": "u1"},
            "candidates": lambda: {"item": ["i1", "i2"]},
            "ids": one,
            "i": one,
            "j": one,
            "fields_i": one,
            "fields_j": one,
            "values": lambda: np.ones(1),
            "n_features": lambda: 3,
            "n_fields": lambda: 2,
            "n_outputs": lambda: 1,
            "record": lambda: {"epoch": 1.0},
            "header": lambda: data.schema.to_json()[0],
            "arrays": lambda: data.schema.to_json()[1],
            "feature": lambda: 1,
            "column": lambda: "user",
            "title": lambda: "title",
            "evaluations": dict,
            "by_user": dict,
            "overall": dict,
            "all_items": lambda: 0.5,
            "recalled": lambda: 0.5,
            "loss": lambda: 0.1,
            "needs_hits": lambda: True,
            "greater_is_better": lambda: True,
            "tasks": lambda: ("binary",),
            "needs_probability": lambda: True,
            "grouped": lambda: False,
            "cut": lambda: False,
            "function": lambda: max,
            "indptr": lambda: np.array([0, 1]),
            "indices": lambda: np.array([0], np.uint32),
            **{
                name: lambda: np.zeros(1)
                for name in ("score", "prediction", "bias", "linear", "pair_terms")
            },
            **dict.fromkeys(("label", "first", "second", "feature_names"), list),
        }

    def instance(self, of: type) -> Any:
        """Return a fresh instance whose methods can be called."""
        name = of.__name__
        if name in self.estimators:
            return copy.deepcopy(self.estimators[name])
        makers: dict[str, Callable[[], Any]] = {
            "Recommender": self._recommender,
            "Model": lambda: self.model,
            "Posterior": lambda: self.posterior,
            "Schema": lambda: self.data.schema,
            "Rows": lambda: self.data.rows,
            "RelatedRows": self._related,
            "Dataset": lambda: self.data,
            "RowStore": lambda: self.store,
            "Column": lambda: fieldfare.Column("user"),
            "Checkpoint": lambda: fieldfare.Checkpoint("c.ck"),
            "History": fieldfare.History,
            "JoinedTable": lambda: fieldfare.JoinedTable(self.table, {"item": self.items}),
            "Split": lambda: self.split,
            "Index": lambda: retrieval.build_index(np.eye(3, dtype=np.float32)),
            "Trial": lambda: self.trial,
            "Recipe": lambda: recipes.matrix_factorization(
                self.table.rename(columns={"clicked": "rating"})
            ),
            "Comparison": self._comparison,
            "Evaluation": lambda: self._comparison().evaluations["fm"],
            "Explanation": lambda: fieldfare.explain(self.model, self.data),
            "Start": fieldfare.Start,
        }
        return makers[name]()

    def _comparison(self) -> Any:
        return retrieval.compare({"fm": self.regression}, self.table, self.table)

    def _related(self) -> Any:
        return rows.RelatedRows(self.data.rows, ())

    def _saved(self, name: str) -> str:
        self.estimators[name].save(f"{name}.ff")
        return f"{name}.ff"
