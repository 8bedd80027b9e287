"""``fieldfare sample``, and the other commands on its output."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fieldfare import BayesianFMRegressor, load_posterior, sample
from fieldfare.exceptions import ConfigError

QUICK = ("-k", 2, "--n-warmup", 5, "--n-samples", 12, "--seed", 1, "--threads", 1)


@pytest.fixture
def ratings(tmp_path):
    rng = np.random.default_rng(0)
    users, items = rng.normal(size=(8, 2)), rng.normal(size=(6, 2))
    u, i = rng.integers(0, 8, 500), rng.integers(0, 6, 500)
    score = (users[u] * items[i]).sum(axis=1) + 0.3 * rng.normal(size=500)
    stars = np.clip(np.round(score + 3), 1, 5)
    lines = ["user,item,score,stars,liked"]
    lines += [
        f"u{a},i{b},{s:.3f},{t:.0f},{'yes' if s > 0 else 'no'}"
        for a, b, s, t in zip(u, i, score, stars, strict=True)
    ]
    for name, part in (("train", lines[:-100]), ("valid", lines[:1] + lines[-100:])):
        (tmp_path / f"{name}.csv").write_text("\n".join(part) + "\n")
    return tmp_path


def keep(folder, *names):
    """Rewrite both tables with only some of the columns."""
    for file in ("train.csv", "valid.csv"):
        rows = [line.split(",") for line in (folder / file).read_text().splitlines()]
        at = [rows[0].index(name) for name in names]
        text = "\n".join(",".join(row[j] for j in at) for row in rows) + "\n"
        (folder / file).write_text(text)


def test_a_regression_from_sampling_to_intervals(run, ratings):
    keep(ratings, "user", "item", "score")
    ran = run("sample", "train.csv", "--target", "score", "--valid", "valid.csv", *QUICK)
    assert ran.code == 0, ran.err
    assert "valid_rmse" in ran.out
    assert "--interval" in ran.out
    posterior = load_posterior("train.ff")
    assert len(posterior) == 12
    assert posterior.provenance["seed"] == 1
    ran = run("predict", "valid.csv", "-m", "train.ff", "--interval", 0.9, "-o", "p.csv")
    assert ran.code == 0, ran.err
    found = np.genfromtxt("p.csv", delimiter=",", names=True)
    assert found.dtype.names == ("prediction", "lower", "upper")
    assert ((found["lower"] < found["prediction"]) & (found["prediction"] < found["upper"])).all()
    estimator = BayesianFMRegressor.load("train.ff")
    np.testing.assert_allclose(estimator.predict("valid.csv"), found["prediction"], rtol=1e-5)
    ran = run("evaluate", "valid.csv", "-m", "train.ff", "--json")
    assert json.loads(ran.out)["rmse"] < 0.5
    ran = run("show", "train.ff")
    assert "r_hat" in ran.out
    assert run("show", "train.ff", "--plot", "trace.svg").code == 0
    assert "factor spread" in (ratings / "trace.svg").read_text()
    ran = run("show", "train.ff", "--explain", "valid.csv")
    assert "samples of a Bayesian model" in ran.err
    same = BayesianFMRegressor(n_factors=2, n_warmup=5, n_samples=12, random_state=1, n_jobs=1).fit(
        "train.csv", "score"
    )
    np.testing.assert_array_equal(same.posterior_.factors, posterior.factors)


def test_a_linear_model(run, ratings):
    keep(ratings, "user", "item", "score")
    flags = ("--target", "score", "--model", "linear", "-q")
    assert run("sample", "train.csv", *flags, *QUICK[2:]).code == 0
    posterior = load_posterior("train.ff")
    assert posterior.factors is None
    assert posterior.linear.shape == (posterior.n_features, 12)
    assert "Bayesian linear" in run("show", "train.ff").out
    ran = run("evaluate", "valid.csv", "-m", "train.ff", "--json")
    assert json.loads(ran.out)["rmse"] < 1.5
    with pytest.raises(ConfigError, match="'model'"):
        sample("train.csv", target="score", model="ffm")


def test_interactions_of_three_columns(run, ratings):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5, (900, 3))
    score = np.where(ids % 2 == 0, 1, -1).prod(axis=1) + 0.3 * rng.normal(size=900)
    lines = [",".join(f"{c}{j}" for c, j in zip("uvw", row, strict=True)) for row in ids]
    lines = [f"{line},{y:.3f}" for line, y in zip(lines, score, strict=True)]
    for name, part in (("train", lines[:700]), ("valid", lines[700:])):
        (ratings / f"{name}.csv").write_text("\n".join(["a,b,c,y", *part]) + "\n")
    found = {}
    for model, factors in (("fm", 4), ("hofm", "2,3")):
        flags = ("--target", "y", "--model", model, "-k", factors, "--order", 3, "-q")
        ran = run("sample", "train.csv", *flags, *QUICK[2:], "-o", f"{model}.ff")
        assert ran.code == 0, ran.err
        ran = run("evaluate", "valid.csv", "-m", f"{model}.ff", "--json")
        found[model] = json.loads(ran.out)["rmse"]
    assert found["hofm"] < 0.4 < 0.9 < found["fm"]
    assert "Bayesian hofm" in run("show", "hofm.ff").out
    same = sample(
        "train.csv", target="y", model="hofm", order=3, n_factors=(2, 3), n_warmup=5, n_samples=12,
        random_state=1,
    ).posterior  # fmt: skip
    np.testing.assert_array_equal(same.factors, load_posterior("hofm.ff").factors)
    estimator = BayesianFMRegressor.load("hofm.ff")
    assert (estimator.model, estimator.order, estimator.n_factors) == ("hofm", 3, (2, 3))
    estimator.set_params(n_warmup=5, n_samples=12, random_state=1).fit("train.csv", "y")
    np.testing.assert_array_equal(same.factors, estimator.posterior_.factors)
    with pytest.raises(ConfigError, match="'model'"):
        estimator.set_params(model="fwfm", n_factors=2).fit("train.csv", "y")


@pytest.mark.parametrize(("target", "task"), [("liked", "binary"), ("stars", "ordinal")])
def test_classes(run, ratings, target, task):
    keep(ratings, "user", "item", target)
    flags = ("--task", task) if task == "ordinal" else ()
    ran = run("sample", "train.csv", "--target", target, *flags, *QUICK, "-q", "--one-group")
    assert ran.code == 0, ran.err
    posterior = load_posterior("train.ff")
    assert posterior.task == task
    assert posterior.classes == (["no", "yes"] if task == "binary" else [1, 2, 3, 4, 5])
    ran = run("predict", "valid.csv", "-m", "train.ff", "--format", "csv")
    assert ran.out.startswith("probability_yes\n" if task == "binary" else "prediction\n")
    ran = run("evaluate", "valid.csv", "-m", "train.ff", "--json")
    found = json.loads(ran.out)
    assert found["auc"] > 0.9 if task == "binary" else found["rmse"] < 0.7
    ran = run("predict", "valid.csv", "-m", "train.ff", "--interval", 0.9)
    assert ran.code == 1
    assert "Intervals are for regression" in ran.err


def test_models_that_cannot_be_sampled_are_refused(run, ratings, clicks_folder):
    keep(ratings, "user", "item", "score")
    ran = run("train", "train.csv", "--target", "score", "-q", "--epochs", 1)
    ran = run("predict", "valid.csv", "-m", "train.ff", "--interval", 0.9)
    assert "Use 'fieldfare sample'" in ran.err
    (ratings / "three.csv").write_text("a,b\n" + "".join(f"x,{c}\n" for c in "uvwuvw"))
    assert "3 classes" in run("sample", "three.csv", "--target", "b").err
    ran = run("sample", "three.csv", "--target", "b", "--task", "ordinal")
    assert "must be numbers" in ran.err
