"""Models of libraries of Python: fitted objects, and npz files of their arrays."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from fieldfare import Posterior, load_foreign
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.rows import Rows


def lightfm() -> SimpleNamespace:
    random = np.random.default_rng(0)
    return SimpleNamespace(
        user_embeddings=random.normal(size=(4, 3)),
        user_biases=random.normal(size=4),
        item_embeddings=random.normal(size=(6, 3)),
        item_biases=random.normal(size=6),
    )


def rows_of(dense: np.ndarray, fields: np.ndarray | None = None) -> Rows:
    """Return the rows of a dense matrix; fields of the columns."""
    matrix = sparse.csr_matrix(dense)
    matrix.sort_indices()
    return Rows(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.uint32),
        matrix.data.astype(np.float32),
        None if fields is None else fields[matrix.indices].astype(np.uint16),
    )


@pytest.mark.parametrize("as_file", [False, True])
def test_lightfm_scores_alike_also_with_several_features_a_side(
    tmp_path: Path, as_file: bool
) -> None:
    fitted = lightfm()
    source: object = fitted
    if as_file:
        source = tmp_path / "m.npz"
        np.savez(source, **vars(fitted))
    model = load_foreign(source)
    users = np.array([[1, 0, 0, 0], [0, 1, 0, 0.5], [0, 0, 2, 1]])
    items = np.array([[0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 0, 1, 0, 1]])
    wanted = np.sum((users @ fitted.user_embeddings) * (items @ fitted.item_embeddings), axis=1)
    wanted += users @ fitted.user_biases + items @ fitted.item_biases
    rows = rows_of(np.hstack([users, items]), np.repeat([0, 1], [4, 6]))
    assert model.task == "rank"
    np.testing.assert_allclose(model.predict(rows), wanted, atol=1e-5)


@pytest.mark.parametrize("as_file", [False, True])
def test_implicit_scores_alike(tmp_path: Path, as_file: bool) -> None:
    random = np.random.default_rng(3)
    users, items = random.normal(size=(4, 3)), random.normal(size=(6, 3))
    source: object = SimpleNamespace(user_factors=users, item_factors=items)
    if as_file:
        source = tmp_path / "als.npz"
        np.savez(source, user_factors=users, item_factors=items, regularization=0.01, dtype="f4")
    model = load_foreign(source)
    pairs = np.hstack([np.eye(4)[[0, 3, 3]], np.eye(6)[[5, 0, 2]]])
    rows = rows_of(pairs, np.repeat([0, 1], [4, 6]))
    wanted = np.sum(users[[0, 3, 3]] * items[[5, 0, 2]], axis=1)
    assert (model.task, model.provenance["imported_from"]) == ("rank", "implicit")
    np.testing.assert_allclose(model.predict(rows), wanted, atol=1e-5)


def test_what_implicit_itself_saves_is_read(tmp_path: Path) -> None:
    implicit = pytest.importorskip("implicit", reason="implicit is not installed")
    seen = sparse.random(30, 20, 0.2, format="csr", random_state=0, dtype=np.float32)
    fitted = implicit.als.AlternatingLeastSquares(factors=4, iterations=2, random_state=0)
    fitted.fit(seen, show_progress=False)
    fitted.save(str(tmp_path / "als.npz"))
    model = load_foreign(tmp_path / "als.npz")
    np.testing.assert_allclose(model.factors[:30, 0, 1], fitted.user_factors, atol=1e-6)


def fastfm() -> SimpleNamespace:
    random = np.random.default_rng(1)
    return SimpleNamespace(w0_=0.5, w_=random.normal(size=5), V_=random.normal(size=(2, 5)))


@pytest.mark.parametrize("output", ["regression", "logistic", "probit", "rank"])
def test_fastfm_predicts_by_what_its_scores_are(output: str) -> None:
    fitted = fastfm()
    x = np.array([[1, 0, 1, 0, 0.5], [0, 2, 0, 1, 0]])
    pairs = 0.5 * ((x @ fitted.V_.T) ** 2 - (x**2) @ (fitted.V_.T**2)).sum(axis=1)
    score = fitted.w0_ + x @ fitted.w_ + pairs
    from scipy.special import expit, ndtr

    wanted = {"logistic": expit, "probit": ndtr}.get(output, lambda s: s)(score)
    model = load_foreign(fitted, output=output)
    assert isinstance(model, Posterior) is (output == "probit")
    np.testing.assert_allclose(model.predict(rows_of(x)), wanted, atol=1e-5)


def test_fastfm_must_be_told_what_its_scores_are() -> None:
    with pytest.raises(ConfigError, match="regression, logistic, probit, rank"):
        load_foreign(fastfm())


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("rank", [0, 2])
def test_myfm_predicts_alike(classes: bool, rank: int) -> None:
    myfm = pytest.importorskip("myfm")
    random = np.random.default_rng(2)
    x = (random.random((80, 6)) < 0.4).astype(float)
    y = x @ random.normal(size=6) + x[:, 0] * x[:, 1]
    if classes:
        fitted = myfm.MyFMClassifier(rank=rank).fit(sparse.csr_matrix(x), y > 0, n_iter=12)
        wanted = fitted.predict_proba(sparse.csr_matrix(x))
    else:
        fitted = myfm.MyFMRegressor(rank=rank).fit(sparse.csr_matrix(x), y, n_iter=12)
        wanted = fitted.predict(sparse.csr_matrix(x))
    found = load_foreign(fitted)
    assert isinstance(found, Posterior)
    assert len(found) == len(fitted.predictor_.samples)
    np.testing.assert_allclose(found.predict(rows_of(x)), wanted, atol=1e-5)
    if not classes:
        precisions = [hyper.alpha for hyper in fitted.history_.hypers[-len(found) :]]
        np.testing.assert_allclose(found.noise_precision, precisions)


def samples_of_myfm(n: int = 3, rank: int = 2) -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)
    sizes = {"w0": (n,), "w": (n, 5), "V": (n, 5, rank), "alpha": (n,)}
    return {name: np.abs(random.normal(size=size)) for name, size in sizes.items()}


@pytest.mark.parametrize("rank", [0, 2])
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_saved_samples_of_myfm_predict_their_mean(tmp_path: Path, task: str, rank: int) -> None:
    from scipy.special import ndtr

    arrays = samples_of_myfm(rank=rank)
    if task == "binary":
        del arrays["alpha"]
    np.savez(tmp_path / "m.npz", **arrays)
    x = np.array([[1, 0, 1, 0, 0.5], [0, 2, 0, 1, 0], [0, 0, 0, 0, 0]])
    scores = []
    for bias, linear, factors in zip(arrays["w0"], arrays["w"], arrays["V"], strict=True):
        pairs = 0.5 * ((x @ factors) ** 2 - (x**2) @ (factors**2)).sum(axis=1)
        scores.append(bias + x @ linear + pairs)
    wanted = np.mean(scores if task == "regression" else ndtr(scores), axis=0)
    found = load_foreign(tmp_path / "m.npz", task=task)
    assert isinstance(found, Posterior)
    np.testing.assert_allclose(found.predict(rows_of(x)), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "task", "words"),
    [
        ({}, None, r"Say task='regression' for a regressor"),
        ({"alpha": None}, "regression", "no array 'alpha'"),
        ({"alpha": -np.ones(3)}, "regression", "alpha, must be positive"),
        ({"w0": np.float64(1)}, "binary", "do not fit each other"),
        ({"V": np.ones((3, 5))}, "binary", "do not fit each other"),
        ({"w": np.ones((5, 3))}, "binary", "do not fit each other"),
    ],
)
def test_saved_samples_of_myfm_that_say_too_little_are_refused(
    tmp_path: Path, change: dict[str, object], task: str | None, words: str
) -> None:
    given = {k: v for k, v in (samples_of_myfm() | change).items() if v is not None}
    np.savez(tmp_path / "m.npz", **given)  # type: ignore[arg-type]
    with pytest.raises((ConfigError, ModelFileError), match=words):
        load_foreign(tmp_path / "m.npz", **({} if task is None else {"task": task}))


def test_a_pickle_is_never_opened_and_told_what_to_do_instead(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelFileError, match=r"pickle.*load_foreign\(model\)"):
        load_foreign(path)
    np.savez(tmp_path / "m.npz", **dict(vars(lightfm()), user_biases=np.array([Trap()] * 4)))
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_foreign(tmp_path / "m.npz")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"item_biases": np.zeros(3)}, "do not fit each other"),
        ({"user_embeddings": None}, "Is the model fitted"),
        ({"user_embeddings": "abc"}, "array of numbers"),
        ({"user_biases": np.full(4, np.nan)}, "not finite"),
    ],
)
def test_arrays_that_make_no_model_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ModelFileError, match=words):
        load_foreign(SimpleNamespace(**{**vars(lightfm()), **change}))


def test_an_unknown_object_is_refused_with_what_is_known() -> None:
    with pytest.raises(ConfigError, match=r"lightfm, implicit, fastfm, myfm.*Got dict"):
        load_foreign({})
