"""What the estimators trained by Keras add to the others: batches, callbacks, validation."""

from __future__ import annotations

import pickle
from functools import partialmethod
from types import SimpleNamespace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")

import fieldfare  # noqa: E402
from fieldfare.exceptions import ConfigError, DataError, DivergenceError  # noqa: E402
from fieldfare.keras import (  # noqa: E402
    KerasFMClassifier,
    KerasFMRegressor,
    RowsDataset,
    to_inputs,
)


@pytest.fixture(autouse=True)
def _eagerly(monkeypatch):
    """Run eagerly, since compiling would take seconds for the few steps of each test."""
    eagerly = partialmethod(keras.Model.compile, run_eagerly=True)
    monkeypatch.setattr(keras.Model, "compile", eagerly)


def make_table(n_rows=60):
    random = np.random.default_rng(0)
    X = [{"user": "abc"[i], "item": "xyz"[j]} for i, j in random.integers(0, 3, (n_rows, 2))]
    return X, [100.0 * (row["user"] == "a") * (row["item"] != "x") for row in X]


def test_validation_callbacks_and_pickle():
    X, y = make_table()
    seen = []
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
    stop = keras.callbacks.TerminateOnNaN()
    settings = {"learning_rate": 0.1, "max_iter": 4, "batch_size": 20, "early_stopping": False}
    reg = KerasFMRegressor(callbacks=[told, stop], random_state=0, **settings)
    reg.fit(X, y, eval_set=(X[:20], y[:20]))
    assert len(seen) == reg.n_iter_ == 4
    assert reg.history_.best["valid_loss"] < np.var(y[:20])
    np.testing.assert_allclose(scores_of(reg, X), reg.predict(X), rtol=1e-5, atol=1e-4)
    reg.set_params(callbacks=None)  # a lambda cannot be pickled
    again = pickle.loads(pickle.dumps(reg))
    np.testing.assert_array_equal(again.predict(X), reg.predict(X))


def test_a_store_on_disk_trains_and_a_saved_model_goes_on(tmp_path):
    X, y = make_table()
    rows = fieldfare.load_data([{**row, "target": t > 0} for row, t in zip(X, y, strict=True)]).rows
    store = fieldfare.RowStore.build([rows], tmp_path / "store")
    clf = KerasFMClassifier(max_iter=2, batch_size=16, random_state=0).fit(store)
    clf.save(tmp_path / "m.ff")
    again = KerasFMClassifier.load(tmp_path / "m.ff")
    assert again.score(store) == clf.score(store)
    assert again.get_params() == clf.get_params()
    before = again.model_
    again.partial_fit(store)
    assert np.any(again.model_.factors != before.factors)


def test_training_stops_by_validation_data_and_keeps_the_best_epoch():
    X, y = make_table()
    settings = {"learning_rate": 0.2, "max_iter": 9, "batch_size": 20, "random_state": 0}
    contrary = [100.0 - target for target in y[:20]]  # its loss goes up in the end
    valid = (X[:20], contrary)
    reg = KerasFMRegressor(n_iter_no_change=2, **settings).fit(X, y, eval_set=valid)
    losses = reg.history_["valid_loss"]
    assert reg.history_.stopped == "early_stopping"
    assert len(losses) == reg.n_iter_ == reg.history_.best_epoch + 2 < 9
    assert losses[-1] > reg.history_.best["valid_loss"] == min(losses)
    for found in (reg.predict(X[:20]), scores_of(reg, X[:20])):
        assert np.mean((found - contrary) ** 2) == pytest.approx(min(losses), rel=1e-4)
    assert reg.model_.provenance["data"]["validation"] == "given"
    last = KerasFMRegressor(early_stopping=False, **settings).fit(X, y, eval_set=valid)
    assert last.history_.stopped == "max_iter"
    assert last.n_iter_ == 9
    error = np.mean((last.predict(X[:20]) - contrary) ** 2)
    assert error == pytest.approx(last.history_["valid_loss"][-1], rel=1e-4)


def make_noise(n_rows=240):
    random = np.random.default_rng(0)
    X = [{"user": f"u{i}", "item": f"i{j}"} for i, j in random.integers(0, 20, (n_rows, 2))]
    return X, random.integers(0, 2, n_rows)


NOISE = {"learning_rate": 0.1, "batch_size": 60, "random_state": 0}


def test_a_part_is_held_out_and_then_all_rows_are_trained_on(tmp_path):
    X, y = make_noise()
    watching = keras.callbacks.ReduceLROnPlateau("val_loss", patience=99)  # would warn without any
    found = KerasFMClassifier(callbacks=[watching], **NOISE).fit(X, y)
    best = found.history_.best_epoch
    assert found.history_.stopped == "early_stopping"
    assert best == found.n_iter_ == found.history_.refit_epochs < len(found.history_)
    data = found.model_.provenance["data"]
    n_valid = round(240 * found.validation_fraction)
    assert (data["n_rows"], data["n_valid"], data["validation"]) == (240, n_valid, "random")
    whole = KerasFMClassifier(early_stopping=False, max_iter=best, **NOISE).fit(X, y)
    assert whole.history_.metric is None
    np.testing.assert_array_equal(found.predict_proba(X), whole.predict_proba(X))
    found.save(tmp_path / "m.ff")
    again = KerasFMClassifier.load(tmp_path / "m.ff")
    assert again.n_iter_ == best
    again.partial_fit(X, y)
    assert again.n_iter_ == again.history_.best_epoch == best + 1
    assert again.history_.metric is None


@pytest.mark.parametrize("on_disk", [False, True])
def test_the_rows_that_are_held_out_follow_the_settings(on_disk, tmp_path):
    X, y = make_noise()
    shared = NOISE | {"max_iter": 2, "shuffle": False, "fit_intercept": False}
    settings = shared | {"validation": "time", "refit": False}
    if on_disk:
        rows = fieldfare.load_data([{**r, "target": t} for r, t in zip(X, y, strict=True)]).rows
        data: tuple[object, ...] = (fieldfare.RowStore.build([rows], tmp_path / "store"),)
    else:
        settings["validation_column"] = "when"
        data = [{**row, "when": float(i)} for i, row in enumerate(X)], y
        settings["ignore"] = ["when"]
    found = KerasFMClassifier(validation_fraction=0.25, **settings).fit(*data)
    schema = None if on_disk else found.schema_
    parts = [rows.slice(0, 180), rows.slice(180, 240)] if on_disk else data[0]
    plain = KerasFMClassifier(schema=schema, **shared)
    if on_disk:
        plain.fit(parts[0], eval_set=parts[1])
    else:
        plain.fit(parts[:180], y[:180], eval_set=(parts[180:], y[180:]))
    assert found.history_["valid_loss"] == pytest.approx(plain.history_["valid_loss"], rel=1e-5)
    kept = found.model_.provenance["data"]
    assert (kept["n_valid"], kept["validation"]) == (60, "time")
    assert kept["validation_column"] == (None if on_disk else "when")


def test_a_second_training_that_a_callback_ends_leaves_the_best_of_the_first():
    X, _ = make_noise()
    y = [row["user"] < "u15" for row in X]  # can be learned: the second epoch is the better one
    begun = []

    class StopsTheSecond(keras.callbacks.Callback):  # type: ignore[name-defined]
        def on_train_begin(self, logs=None):
            begun.append(True)

        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = len(begun) == 2

    settings = NOISE | {"learning_rate": 0.01, "max_iter": 2}
    found = KerasFMClassifier(callbacks=[StopsTheSecond()], **settings).fit(X, y)
    first = KerasFMClassifier(refit=False, **settings).fit(X, y)
    assert first.history_.best_epoch == len(begun) == 2
    assert found.history_.stopped == "callback"
    assert found.history_.refit == []
    np.testing.assert_array_equal(found.predict_proba(X), first.predict_proba(X))


def scores_of(reg, X):
    inputs = to_inputs(reg.schema_.encode(X, labelled=False))
    scores = reg.keras_model_({"ids": inputs["ids"], "values": inputs["values"]})
    return np.array(scores)[:, 0]


class Numbered(keras.utils.PyDataset):  # type: ignore[name-defined]
    """Batches as Keras users have them already."""

    def __init__(self, X, y):
        super().__init__()
        self.X, self.y = X, y

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return self.X[10 * i : 10 * i + 10], self.y[10 * i : 10 * i + 10]


def test_batches_of_a_dataset_and_of_a_generator_train_alike():
    X, y = make_table()
    y = ["yes" if t else "no" for t in y]
    schema = fieldfare.Schema.infer(X).fit(X)

    def endless():
        while True:
            for i in range(6):
                yield X[10 * i : 10 * i + 10], y[10 * i : 10 * i + 10]

    made = [
        KerasFMClassifier(max_iter=2, shuffle=False, schema=schema, random_state=0)
        for _ in range(2)
    ]
    made[0].fit_batches(Numbered(X, y), classes=["no", "yes"])
    made[1].fit_batches(endless(), classes=["no", "yes"], steps_per_epoch=6)
    assert made[0].classes_.tolist() == ["no", "yes"]
    np.testing.assert_allclose(
        made[0].decision_function(X), made[1].decision_function(X), rtol=1e-5, atol=1e-6
    )


def test_rows_of_any_length_may_follow_each_other():
    """Keras on TensorFlow would require the width of the first two batches of all others."""
    tags = [["a"], ["b"], ["a", "b"], ["a", "b", "c", "d"], [], ["c"] * 9]
    X = [{"tags": tags[i // 4]} for i in range(24)]
    y = [i % 2 for i in range(24)]
    schema = fieldfare.Schema((fieldfare.Column("tags", "multi"),)).fit(X)
    settings = {"max_iter": 2, "batch_size": 4, "schema": schema, "random_state": 0}
    settings["early_stopping"] = False
    inorder = KerasFMClassifier(shuffle=False, **settings).fit(X, y, eval_set=(X, y))
    batches = [(X[i : i + 4], y[i : i + 4]) for i in range(0, 24, 4)]
    again = KerasFMClassifier(shuffle=False, **settings).fit_batches(batches)
    np.testing.assert_allclose(again.decision_function(X), inorder.decision_function(X), atol=1e-6)
    KerasFMClassifier(**settings).fit(X, y)


def test_batches_without_a_length_or_an_end_that_comes_early_are_refused():
    X, y = make_table(20)
    clf = KerasFMClassifier(max_iter=2)
    with pytest.raises(ConfigError, match="steps_per_epoch"):
        clf.fit_batches(iter([(X, np.sign(y))]))
    with pytest.raises(ConfigError, match="Pass eval_set"):
        KerasFMClassifier(early_stopping=True).fit_batches([(X, np.sign(y))])
    with pytest.raises(DataError, match="batches have ended"):
        clf.fit_batches(iter([]), steps_per_epoch=1)


def test_wrong_parameters_are_refused():
    X, y = make_table(20)
    with pytest.raises(ConfigError, match="name of an optimizer of Keras"):
        KerasFMRegressor(optimizer="magic").fit(X, y)
    with pytest.raises(ConfigError, match="'batch_size'"):
        KerasFMRegressor(batch_size=0).fit(X, y)
    with pytest.raises(DivergenceError, match="lower 'learning_rate'"):
        KerasFMRegressor(optimizer="sgd", learning_rate=1e30).fit(X, y)


def test_a_training_that_fails_leaves_the_model_as_it_was(monkeypatch):
    X, y = make_table(20)
    loss = [0.0]
    done = SimpleNamespace(history={"loss": loss, "data_loss": loss})
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: done)
    reg = KerasFMRegressor(random_state=0).fit(X, y)
    before = reg.keras_model_.get_weights()
    loss[0] = np.nan
    with pytest.raises(DivergenceError):
        reg.partial_fit(X, y)
    for now, then in zip(reg.keras_model_.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_each_epoch_visits_each_row_once_in_a_new_order():
    n = 25
    rows = fieldfare.Rows(
        np.arange(n + 1, dtype=np.int64),
        np.arange(n, dtype=np.uint32),
        target=np.zeros(n, np.float32),
    )
    data = RowsDataset(rows, 10, seed=3)
    epochs = []
    for _ in range(2):
        epochs.append(np.concatenate([data[i][0]["ids"][:, 0] for i in range(len(data))]))
        data.on_epoch_end()
    assert [sorted(epoch) for epoch in epochs] == [list(range(n))] * 2
    assert epochs[0].tolist() != epochs[1].tolist()


def test_the_default_parameters_are_documented_and_declared():
    text = KerasFMClassifier.__doc__
    for name, value in KerasFMClassifier().get_params().items():
        assert f"    {name} : " in text or f"{name} : " in text
        assert f"default={value!r}" in text


@pytest.mark.filterwarnings("ignore:.* of the validation rows stand among the training rows")
def test_numbers_of_unequal_size_are_scaled_in_training(tmp_path):
    random = np.random.default_rng(0)
    z = random.normal(size=(400, 3))
    x = z * [1000, 0.01, 1] + [2000, 0.05, 0]
    y = z @ [1.0, -2, 1] + z[:, 0] * z[:, 1]
    given = {"learning_rate": 0.02, "max_iter": 15, "batch_size": 32, "random_state": 0}
    scaled = KerasFMRegressor(**given).fit(x, y, eval_set=(x, y))
    plain = KerasFMRegressor(scale_features=False, **given).fit(x, y)
    assert scaled.score(x, y) > 0.9 > 0.5 > plain.score(x, y)
    # What is left, as a model or as a network, takes values as they are.
    found = scaled.model_.score(scaled._rows(x, scaled.schema_))[:, 0]
    np.testing.assert_allclose(scaled.predict(x), found, atol=1e-4)
    loss = scaled.history_.epochs[-1]["valid_loss"]
    assert loss == pytest.approx(np.mean((scaled.predict(x) - y) ** 2), rel=1e-2)
    before = scaled.score(x, y)
    scaled.save(tmp_path / "m.ff")
    for model in (scaled, KerasFMRegressor.load(tmp_path / "m.ff")):
        model.partial_fit(x, y)
        assert model.score(x, y) > before - 0.02
        np.testing.assert_array_equal(model.model_.scaling.scale, plain_scale(x))


def plain_scale(x):
    return np.exp2(np.rint(np.log2(x.std(axis=0))))


def test_weights_count_by_their_proportions_and_a_seed_fixes_the_result():
    X, y = make_table()
    weight = np.random.default_rng(1).lognormal(size=len(X))

    def trained(scale, learn):
        reg = KerasFMRegressor(learning_rate=0.2, max_iter=2, batch_size=20, random_state=0)
        learn(reg, weight * scale)
        return reg.model_.factors

    def in_parts(reg, w):
        reg.partial_fit(X, y, w).partial_fit(X, y, w / 8)

    ways = (
        lambda reg, w: reg.fit(X, y, w),
        lambda reg, w: reg.fit_batches([(X, y, w), (X, y, w / 8)]),
        in_parts,
    )
    for learn in ways:
        plain = trained(1, learn)
        np.testing.assert_array_equal(trained(1, learn), plain)
        np.testing.assert_allclose(trained(2.0**-20, learn), plain, rtol=1e-4, atol=1e-6)
