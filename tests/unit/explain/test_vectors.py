"""Latent vectors compared with the formulas, and with the scores that they add up to."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.exceptions import ConfigError, DataError
from fieldfare.explain import explain, field_vectors, latent_vectors, vectors


@pytest.mark.parametrize("block_bytes", [1, 2**26])
@pytest.mark.parametrize("kind", ["fm", "ffm", "fwfm"])
def test_field_vectors_add_up_to_latent_vectors(make_model, rows, kind, block_bytes, monkeypatch):
    monkeypatch.setattr(vectors, "_BLOCK_BYTES", block_bytes)
    model = make_model(kind)
    whole, parts = latent_vectors(model, rows), field_vectors(model, rows)
    assert whole.dtype == parts.dtype == np.float32
    assert whole.shape == ((8, 5, 4) if kind == "ffm" else (8, 4))
    assert parts.shape == (8, 5, *whole.shape[1:])
    np.testing.assert_allclose(parts.sum(axis=1), whole, rtol=1e-5, atol=1e-5)
    low, high = rows.indptr[4], rows.indptr[5]
    ids, x = rows.indices[low:high], rows.values[low:high]
    expected = np.tensordot(x, model.factors[ids, 0], 1)
    np.testing.assert_allclose(whole[4], expected, rtol=1e-5, atol=1e-5)
    assert not whole[2].any()


@pytest.mark.parametrize("instance_norm", [False, True])
def test_ffm_field_vectors_give_the_terms_between_fields(make_model, rows, instance_norm):
    model = make_model("ffm", instance_norm=instance_norm)
    parts = field_vectors(model, rows).astype(float)
    for row in range(len(rows)):
        matrix = explain(model, rows, row).field_matrix()
        between = np.einsum("abk,bak->ab", parts[row], parts[row])
        off = ~np.eye(5, dtype=bool)
        np.testing.assert_allclose(between[off], matrix[off], rtol=1e-4, atol=1e-4)


def test_fm_field_vectors_give_the_terms_between_fields(make_model, schema, rows):
    model = make_model("fm", schema=schema)
    parts = field_vectors(model, rows).astype(float)
    for row in range(len(rows)):
        matrix = explain(model, rows, row).field_matrix()
        off = ~np.eye(5, dtype=bool)
        np.testing.assert_allclose((parts[row] @ parts[row].T)[off], matrix[off], atol=1e-4)


def test_a_slice_has_the_vectors_of_its_rows(make_model, rows):
    model = make_model("ffm")
    np.testing.assert_array_equal(
        latent_vectors(model, rows.slice(3, 7)), latent_vectors(model, rows)[3:7]
    )
    assert latent_vectors(model, rows.slice(0, 0)).shape == (0, 5, 4)


def test_classes_have_their_own_vectors(make_model, rows):
    model = make_model("fm", n_outputs=2, classes=["no", "yes"])
    assert not np.allclose(latent_vectors(model, rows, label="yes"), latent_vectors(model, rows))


def test_linear_models_and_data_without_fields_are_refused(make_model, rows):
    with pytest.raises(ConfigError, match="latent"):
        latent_vectors(make_model("linear"), rows)
    with pytest.raises(DataError, match="fields"):
        field_vectors(make_model("fm"), rows.with_(fields=None))


def test_fwfm_field_vectors_give_the_terms_between_fields(make_model, rows):
    model = make_model("fwfm")
    parts = field_vectors(model, rows).astype(float)
    for row in range(len(rows)):
        matrix = explain(model, rows, row).field_matrix()
        between = model.pair_weights[0] * (parts[row] @ parts[row].T)
        off = ~np.eye(5, dtype=bool)
        np.testing.assert_allclose(between[off], matrix[off], rtol=1e-4, atol=1e-4)
