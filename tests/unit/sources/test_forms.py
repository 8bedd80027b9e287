"""What people have is read as what it is: format, separator, header, names and rows."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from tests.unit.sources.forms import FORMS, Form

from fieldfare.exceptions import DataWarning
from fieldfare.sources.files import Files
from fieldfare.sources.formats import open_source
from fieldfare.sources.source import Numbered, Table


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)
def test_form(tmp_path: Path, form: Form) -> None:
    path = tmp_path / "data"
    path.write_bytes(form.content.encode() if isinstance(form.content, str) else form.content)
    found = Files(path).text
    assert (found.kind, found.separator, found.has_header) == (
        form.format,
        form.separator,
        form.header,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        source = open_source(path)
        if isinstance(source, Table):
            assert tuple(source.names) == form.names
            n_rows = sum(batch.data.num_rows for batch in source.batches())
        else:
            assert isinstance(source, Numbered)
            n_rows = sum(map(len, source.rows()))
    assert n_rows == form.rows
