"""The compiled kernels against the oracle: scores, training, options and instruction sets."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from tests.instruction_sets import each_in_use
from tests.oracle.kernels import Parameters, Trainer, score_rows

from fieldfare import _core
from fieldfare.exceptions import DataError
from fieldfare.kernels import native
from fieldfare.kernels.initial import InitialFactors
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.rows import Rows
from fieldfare.solvers.gradient import GradientSolver

GRADIENT_SOLVERS = [kind.name for kind in GradientSolver.runs]
WITH_FIELDS = [name for name, kind in MODEL_KINDS.items() if kind.uses_fields]

LOSSES = ("squared", "logistic", "softmax")
KINDS = ("dense", "sparse", "empty", "single", "repeated", "binary", "ones", "mixed")
SIZES = (1, 3, 4, 5, 8, 12, 16, 31, 64, 256)
TOLERANCE = {"rtol": 2e-4, "atol": 2e-5}


@pytest.fixture
def instruction_set():
    """Switch the instruction set, and back again after the test."""
    before = native.instruction_set()

    def use(name):
        try:
            native.use(name)
        except ValueError:
            pytest.skip(f"this processor lacks {name}")

    yield use
    native.use(before)


def assert_same(model, params: Parameters, **tolerance):
    tolerance = TOLERANCE | tolerance
    np.testing.assert_allclose(model.bias, params.bias, **tolerance)
    np.testing.assert_allclose(model.linear, params.linear, **tolerance)
    if params.factors is not None:
        np.testing.assert_allclose(model.factors, params.factors, **tolerance)
    if params.pair_weights is not None:
        np.testing.assert_allclose(model.pair_weights, params.pair_weights, **tolerance)


def check_training(setup, rows, epochs=1, class_weight=None, n_visits=None, times=None):
    """Train both sides over the same order and compare losses and parameters."""
    spec, params, solver = setup
    trainer = Trainer(params, spec, times)
    rng = np.random.default_rng(1)
    for _ in range(epochs):
        order = rng.permutation(len(rows))[:n_visits]
        expected = trainer.epoch(rows, order, class_weight)
        got = solver.train(rows, order, class_weight)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    model = solver.export()
    assert_same(model, trainer.params)
    np.testing.assert_allclose(
        model.score(rows), score_rows(trainer.params, spec, rows), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("k", SIZES)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_scores(make_solver, make_rows, model, k):
    for loss in ("logistic", "softmax"):
        for instance_norm in (False, True):
            options = {"model": model, "n_factors": k, "instance_norm": instance_norm}
            spec, params, solver = make_solver(loss=loss, **options)
            for kind in KINDS:
                rows = make_rows(kind, n_rows=6)
                expected = score_rows(params, spec, rows)
                for scorer in (solver, solver.export()):
                    np.testing.assert_allclose(
                        scorer.score(rows), expected, **TOLERANCE, err_msg=kind
                    )


@pytest.mark.parametrize("epochs", [1, 4])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_training(make_solver, make_rows, model, solver, loss, epochs):
    rate = 0.01 if solver == "sgd" else 0.1  # plain SGD diverges on squared loss at 0.1
    setup = make_solver(model=model, solver=solver, loss=loss, learning_rate=rate)
    check_training(setup, make_rows("mixed", loss=loss), epochs)


@pytest.mark.parametrize("k", SIZES)
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", [model for model in MODEL_KINDS if model != "linear"])
def test_training_of_any_number_of_factors(make_solver, make_rows, model, solver, k):
    setup = make_solver(model=model, solver=solver, n_factors=k)
    check_training(setup, make_rows("mixed", n_rows=10))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_training_on_any_rows(make_solver, make_rows, model, solver, kind):
    check_training(make_solver(model=model, solver=solver), make_rows(kind, n_rows=8), 2)


OPTIONS = {
    "no intercept": {"fit_intercept": False},
    "no linear part": {"fit_linear": False},
    "neither": {"fit_intercept": False, "fit_linear": False},
    "instance norm": {"instance_norm": True},
    "no penalty": {"l2_linear": 0.0, "l2_factors": 0.0},
    "l2": {"l2_linear": 0.5, "l2_factors": 0.3},
    "l1": {"l1_linear": 0.4, "l1_factors": 0.2},
    "l1 and l2": {"l1_linear": 0.1, "l1_factors": 0.1, "l2_linear": 0.2, "l2_factors": 0.1},
    "l2 of pairs of fields": {"l2_fields": 0.3},
    "beta": {"ftrl_beta": 0.3},
    "beta zero": {"ftrl_beta": 0.0},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_options(make_solver, make_rows, model, solver, options):
    check_training(make_solver(model=model, solver=solver, **options), make_rows("mixed"), 2)


@pytest.mark.parametrize("kind", ["mixed", "ones"])
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
@pytest.mark.parametrize("n_factors", [3, 4, 8, 32])
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_penalties_by_visits(make_solver, make_rows, model, solver, n_factors, loss, kind):
    options = {"l2_linear": 0.5, "l2_factors": 0.3, "l2_exponent": 0.7}
    setup = make_solver(model=model, solver=solver, n_factors=n_factors, loss=loss, **options)
    rows = make_rows(kind, loss=loss)
    visits = np.bincount(rows.indices, minlength=12)
    setup[-1].learn_visits(visits)
    power = 0.7 if solver == "ftrl" else -0.3
    check_training(setup, rows, 2, times=np.maximum(visits, 1) ** power)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_weights(make_solver, make_rows, model, solver, loss):
    rows = make_rows("mixed", loss=loss)
    weight = np.random.default_rng(3).uniform(0, 2, len(rows)).astype(np.float32)
    weight[::5] = 0
    classes = None if loss == "squared" else np.array([0.5, 2.0, 1.5][: 2 + (loss == "softmax")])
    class_weight = None if classes is None else classes.astype(np.float32)
    setup = make_solver(model=model, solver=solver, loss=loss)
    check_training(setup, rows.with_(weight=weight), 2, class_weight)


@pytest.mark.parametrize("model", MODEL_KINDS)
def test_an_order_may_be_a_part(make_solver, make_rows, model):
    check_training(make_solver(model=model), make_rows("mixed"), 3, n_visits=7)


@pytest.mark.parametrize("model", MODEL_KINDS)
def test_a_slice_trains_and_scores_like_a_copy(make_solver, make_rows, model):
    rows = make_rows("mixed")
    part, copy = rows.slice(5, 19), rows.take(np.arange(5, 19))
    assert part.indptr[0] > 0
    check_training(make_solver(model=model), part)
    results = []
    for chosen in (part, copy):
        _, _, solver = make_solver(model=model)
        solver.train(chosen, np.arange(len(chosen)))
        results.append(solver.score(chosen))
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("k", [1, 4, 5, 8, 16, 31])
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
@pytest.mark.parametrize("name", [n for n in native.instruction_sets() if n != "plain"])
def test_instruction_sets_agree(make_solver, make_rows, instruction_set, name, model, solver, k):
    rows = make_rows("mixed")
    found = []
    for one in ("plain", name):
        instruction_set(one)
        assert native.instruction_set() == one
        _, _, trainer = make_solver(model=model, solver=solver, n_factors=k)
        for _ in range(3):
            trainer.train(rows, np.arange(len(rows)))
        found.append(trainer.export())
    plain, other = found
    assert_same(other, Parameters(**plain.arrays()))
    np.testing.assert_allclose(other.score(rows), plain.score(rows), **TOLERANCE)


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_one_thread_gives_the_same_bits_again(make_solver, make_rows, model, solver):
    rows = make_rows("mixed")
    states = []
    for _ in range(2):
        _, _, trainer = make_solver(model=model, solver=solver)
        trainer.train(rows, np.arange(len(rows)))
        states.append({name: array.copy() for name, array in trainer.state().items()})
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name])


@pytest.mark.parametrize("model", MODEL_KINDS)
def test_threads_do_not_change_scores(make_solver, make_rows, model):
    _, _, solver = make_solver(model=model)
    trained = solver.export()
    rows = make_rows("mixed", n_rows=101)
    np.testing.assert_array_equal(trained.score(rows, 1), trained.score(rows, 3))


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_several_threads_learn_too(make_solver, make_rows, model, solver):
    _, _, trainer = make_solver(model=model, solver=solver, l2_linear=0.0, l2_factors=0.0)
    rows = make_rows("sparse", n_rows=40)
    order = np.arange(len(rows))
    sums = [trainer.train(rows, order, n_threads=2) for _ in range(10)]
    assert sums[0][1] == sums[-1][1] == len(rows)
    assert np.isfinite(sums).all()
    assert sums[-1][0] < sums[0][0]


@pytest.mark.parametrize("model", MODEL_KINDS)
def test_ftrl_with_l1_gives_exact_zeros(make_solver, make_rows, model):
    options = {"l1_linear": 4.0, "l1_factors": 4.0}
    _, _, solver = make_solver(model=model, solver="ftrl", **options)
    rows = make_rows("dense")
    solver.train(rows, np.arange(len(rows)))
    trained = solver.export()
    assert np.mean(trained.linear == 0) > 0
    if trained.factors is not None:
        assert np.mean(trained.factors == 0) > 0


@pytest.mark.parametrize("model", MODEL_KINDS)
def test_the_order_of_features_changes_scores_by_rounding_only(make_solver, make_rows, model):
    _, _, solver = make_solver(model=model, n_factors=8)
    rows = make_rows("mixed")
    rng = np.random.default_rng(5)
    entries = np.concatenate(
        [
            rng.permutation(np.arange(low, high))
            for low, high in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
        ]
    )
    shuffled = rows.with_(
        indices=rows.indices[entries], values=rows.values[entries], fields=rows.fields[entries]
    )
    np.testing.assert_allclose(solver.score(shuffled), solver.score(rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("instance_norm", [False, True])
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_unknown_features_are_ignored_in_scores(make_solver, make_rows, model, instance_norm):
    spec, params, solver = make_solver(model=model, instance_norm=instance_norm)
    rows = make_rows("mixed")
    indices = rows.indices.copy()
    indices[::3] += 1000
    rows = rows.with_(indices=indices)
    expected = score_rows(params, spec, rows)
    np.testing.assert_allclose(solver.export().score(rows), expected, **TOLERANCE)


@pytest.mark.parametrize("fraction", [1, 0])
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_the_length_of_a_sample_may_count_unknown_features_and_fields(
    make_solver, make_rows, model, fraction
):
    spec, params, solver = make_solver(model=model, instance_norm=True, norm_unknown=True)
    rows = make_rows("mixed")
    indices, fields = rows.indices.copy(), rows.fields.copy()
    indices[::3] += 1000 * fraction
    fields[::4] += 60_000 * fraction
    rows = rows.with_(indices=indices, fields=fields)
    expected = score_rows(params, spec, rows)
    fitted = solver.export()
    for _ in each_in_use():
        np.testing.assert_allclose(fitted.score(rows), expected, **TOLERANCE)
    for row in (0, len(rows) - 1):
        own = slice(rows.indptr[row], rows.indptr[row + 1])
        lists = [array[own].tolist() for array in (rows.indices, rows.values, rows.fields)]
        if not spec.kind.uses_fields:
            lists[2] = None
        np.testing.assert_allclose(fitted._scorer().score_one(*lists), expected[row], **TOLERANCE)


@pytest.mark.parametrize("model", WITH_FIELDS)
def test_unknown_fields_are_ignored_in_scores(make_solver, model):
    _, _, solver = make_solver(model=model)
    indptr, ids = np.array([0, 3]), np.array([1, 2, 3], np.uint32)
    rows = Rows(indptr, ids, fields=np.array([0, 1, 60_000], np.uint16))
    known = Rows(np.array([0, 2]), ids[:2], fields=np.array([0, 1], np.uint16))
    np.testing.assert_array_equal(solver.score(rows), solver.score(known))


@pytest.mark.parametrize("model", MODEL_KINDS)
def test_no_rows_and_no_order(make_solver, make_rows, model):
    _, _, solver = make_solver(model=model)
    rows = make_rows("mixed")
    before = solver.score(rows)
    assert solver.train(rows, np.zeros(0, np.int64)) == (0.0, 0.0)
    np.testing.assert_array_equal(solver.score(rows), before)
    assert solver.score(rows.slice(0, 0)).shape == (0, 1)


def changed(rows, name, place, value):
    array = getattr(rows, name).copy()
    array[place] = value
    return rows.with_(**{name: array})


@pytest.mark.parametrize("model", MODEL_KINDS)
@pytest.mark.parametrize("n_threads", [1, 2])
def test_bad_rows_are_refused_not_followed(make_solver, make_rows, model, n_threads):
    _, _, solver = make_solver(model=model)
    rows = make_rows("dense", n_rows=8)
    order = np.arange(len(rows))
    bad = {
        "id": changed(rows, "indices", 30, 12),
        "huge id": changed(rows, "indices", 30, 2**32 - 2),
        "decreasing indptr": changed(rows, "indptr", 4, 3),
        "negative indptr": changed(rows, "indptr", 4, -5),
        "indptr past the end": changed(rows, "indptr", 4, 10**9),
    }
    if model in WITH_FIELDS:
        bad["field"] = changed(rows, "fields", 30, 4)
    for broken in bad.values():
        with pytest.raises(DataError, match="Row"):
            solver.train(broken, order, n_threads=n_threads)
    for outside in (-1, len(rows), 2**62):
        with pytest.raises(DataError, match="Row"):
            solver.train(rows, np.array([0, outside, 1]), n_threads=n_threads)


@pytest.mark.parametrize("place", [1, 4, 7])
@pytest.mark.parametrize("value", [-5, 10**9, 2**62])
def test_scoring_refuses_a_bad_indptr(make_solver, make_rows, place, value):
    _, _, solver = make_solver()
    rows = changed(make_rows("dense", n_rows=8), "indptr", place, value)
    with pytest.raises(ValueError, match="indptr"):
        solver.score(rows)


@pytest.mark.parametrize("target", [-1.0, 3.0, np.nan])
def test_a_target_that_is_no_class_is_refused(make_solver, make_rows, target):
    _, _, solver = make_solver(loss="softmax")
    rows = changed(make_rows("mixed", loss="softmax"), "target", 4, target)
    with pytest.raises(DataError, match="Row 4"):
        solver.train(rows, np.arange(len(rows)))


def test_a_target_without_class_weight_is_refused(make_solver, make_rows):
    _, _, solver = make_solver()
    rows = changed(make_rows("mixed"), "target", 4, 2.0)
    with pytest.raises(DataError, match="Row 4"):
        solver.train(rows, np.arange(len(rows)), np.ones(2, np.float32))


def test_what_a_kernel_needs(make_solver, make_rows):
    rows = make_rows("mixed")
    order = np.arange(len(rows))
    _, _, solver = make_solver(model="ffm")
    with pytest.raises(ValueError, match="fields"):
        solver.train(rows.with_(fields=None), order)
    with pytest.raises(ValueError, match="fields"):
        solver.score(rows.with_(fields=None))
    with pytest.raises(ValueError, match="target"):
        solver.train(rows.with_(target=None), order)


def test_an_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="instruction set"):
        native.use("abacus")


def test_initial_factors_do_not_depend_on_the_size_of_the_table():
    def drawn(shape, seed, first=0):
        return InitialFactors(shape, seed, ((shape[-1], 0.1),)).draw(first)

    whole, late = drawn((50, 2, 3), 7), drawn((20, 2, 3), 7, 30)
    np.testing.assert_array_equal(whole[30:], late)
    assert abs(drawn((5000, 8), 1).std() - 0.1) < 0.002
    assert not np.array_equal(whole, drawn((50, 2, 3), 8))


def core_arguments(solver, rows):
    table = solver._table
    return {
        "table": table.rows,
        "bias": table.bias,
        "rows": native.core_rows(rows),
        "order": np.arange(len(rows)),
        "class_weight": np.ones(2, np.float32),
    }


@pytest.mark.parametrize("name", ["table", "bias", "order", "class_weight"])
def test_training_converts_no_array(make_solver, make_rows, name):
    # A converted table would be trained and thrown away, and half a row number is no row number.
    _, _, solver = make_solver()
    given = core_arguments(solver, make_rows("dense"))
    given[name] = given[name].astype(np.float64)
    before = solver.export().factors.copy()
    with pytest.raises(TypeError):
        _core.train(native.core_spec(solver._spec), *given.values(), 1)  # type: ignore[call-arg]
    np.testing.assert_array_equal(solver.export().factors, before)


@pytest.mark.parametrize("name", ["indptr", "indices", "values", "fields", "target", "weight"])
def test_rows_of_the_core_convert_no_array(make_rows, name):
    # The core keeps pointers: a converted copy would be freed while they are in use.
    rows = make_rows("dense")
    names = ("indptr", "indices", "values", "fields", "target", "weight")
    given = {each: getattr(rows, each) for each in names}
    given["weight"] = np.ones(len(rows), np.float32)
    _core.Rows(**given)
    with pytest.raises(TypeError):
        _core.Rows(**{**given, name: given[name].astype(np.float64)})
    with pytest.raises(TypeError):
        _core.Rows(**{**given, name: np.repeat(given[name], 2)[::2]})


def test_scores_are_not_written_into_a_copy(make_solver, make_rows):
    _, _, solver = make_solver(model="linear")
    rows = native.core_rows(make_rows("dense"))
    scorer = solver.export()._scorer()
    with pytest.raises(TypeError):
        scorer._core.score(rows, None, np.zeros((24, 1)), 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"indptr": np.array([0, 2, 1, 4])},
        {"indptr": np.array([0, 2, 3, 5])},
        {"indptr": np.array([-1, 2, 3, 4])},
        {"indptr": np.zeros(0, np.int64)},
        {"values": np.ones(3, np.float32)},
        {"fields": np.ones(3, np.uint16)},
        {"target": np.ones(2, np.float32)},
        {"weight": np.ones(4, np.float32)},
        {"group": np.ones(2, np.int64)},
    ],
)
def test_writing_text_reads_nothing_outside_the_arrays(changes):
    none = dict.fromkeys(("values", "fields", "target", "weight", "group"))
    good = {"indptr": np.array([0, 2, 3, 4]), "indices": np.zeros(4, np.uint32), **none}
    assert _core.format_text(**good) == b"0:1 0:1\n0:1\n0:1\n"
    with pytest.raises(ValueError, match="indptr|differ in length"):
        _core.format_text(**{**good, **changes})


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
@pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""),
    reason="AddressSanitizer needs address space of its own, and ends the process without it",
)
@pytest.mark.parametrize("limit", ["threads", "memory"])
def test_threads_that_cannot_work_do_not_end_the_process(limit):
    script = f"""
import resource, sys
import numpy as np
from fieldfare.config import ModelConfig
from fieldfare.models.registry import build
from fieldfare.rows import Rows

n_fields, n_rows = 1024, 3000
model = build(ModelConfig(model="ffm", n_factors=1), n_features=1, n_fields=n_fields)
nnz = n_fields if "{limit}" == "memory" else 1
indptr = np.append(np.arange(n_rows, dtype=np.int64), n_rows + nnz)
fields = np.arange(indptr[-1]) % n_fields
rows = Rows(indptr, np.zeros(indptr[-1], np.uint32), fields=fields.astype(np.uint16))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
room = 100 * 2**20  # ten stacks of threads, or three times the scratch of one row
resource.setrlimit(resource.RLIMIT_AS, (used + room,) * 2)
try:
    scores = model.score(rows, n_threads=1000)
    print("scored", np.isfinite(scores).all())
except MemoryError:
    print("no memory")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("scored True", "no memory")


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_threads_learn_as_well_when_every_feature_is_frequent(make_solver, model, solver):
    rng = np.random.default_rng(0)
    n, per_row = 3000, 4
    fields = np.tile(np.arange(per_row, dtype=np.uint16) % 3, n)
    rows = Rows(
        np.arange(n + 1) * per_row,
        rng.integers(0, 12, n * per_row).astype(np.uint32),
        fields=fields,
        target=(rng.random(n) < 0.5).astype(np.float32),
    )
    losses = []
    for n_threads in (1, 3):
        trainer = make_solver(model=model, solver=solver, loss="logistic", learning_rate=0.02)[2]
        for epoch in range(3):
            order = np.random.default_rng(epoch).permutation(n)
            loss, weight = trainer.train(rows, order, None, n_threads)
        losses.append(loss / weight)
    assert losses[1] < losses[0] + 0.03
