"""What commands read and write: arguments that name files, and their checks."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fieldfare._files import STREAM, check_outputs, names_server, standard_output
from fieldfare.exceptions import ConfigError, SchemaError

if TYPE_CHECKING:
    from fieldfare.models.base import Model
    from fieldfare.models.posterior import Posterior
    from fieldfare.schema.schema import Schema

_CONTINUES = {"checkpoint": "resume"}


class Input(str):
    """An argument that names what is read."""


class Output(str):
    """An argument that names a file to write, or ``-``."""


class InputOrAddress(Input):
    """An argument that names what is read: a file, or a server by its address."""


class OutputOrAddress(Output):
    """An argument that names what is written: a file, or a server by its address."""


class FileOrFolder(Output):
    """An argument that names what is written: a file, or a folder that the command makes."""


def settle_files(arguments: argparse.Namespace) -> None:
    """Fill in the default output, and refuse outputs that are inputs or cannot be written.

    Every command passes here before it reads anything. Its parser says which arguments name files,
    by giving them the types `Input`, `Output` and `FileOrFolder`.

    Raises
    ------
    ConfigError
        Naming the path.
    """
    given = vars(arguments)
    if given.get("output") is None and "default_output" in given:
        arguments.output = arguments.default_output(arguments)
    outputs = {
        name: value
        for name, value in given.items()
        if isinstance(value, Output) and not _is_address(value)
    }
    if given.get("json") and not arguments.json_is_output and STREAM in outputs.values():
        raise ConfigError("Standard output cannot hold both --json and -o -. Name the output.")
    inputs = {name: value for name, value in given.items() if _is_input(value)}
    check_outputs(outputs, inputs, _CONTINUES)
    for path in outputs.values():
        _check_writable(path)


@contextmanager
def written(output: str) -> Iterator[str]:
    """Yield the path to write an output to; what is for standard output is copied there at the end.

    Raises
    ------
    ConfigError
        If a folder would have to go to standard output.
    """
    if output != STREAM:
        yield output
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "output")
        yield path
        if os.path.isdir(path):
            raise ConfigError("A folder cannot be written to standard output. Give it a name.")
        with open(path, "rb") as file, standard_output() as out:
            shutil.copyfileobj(file, out)


def _is_input(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_is_input, value))
    return isinstance(value, Input) and not _is_address(value)


def _is_address(value: str) -> bool:
    """Whether an argument that may name a server does."""
    return isinstance(value, (InputOrAddress, OutputOrAddress)) and names_server(value)


def _check_writable(path: Output) -> None:
    """Refuse an output path that cannot be written, before hours of training are lost there."""
    target = Path(path)
    if path == STREAM or isinstance(path, FileOrFolder):
        return
    if target.is_dir():
        raise ConfigError(f"The output {str(path)!r} is a folder. Choose the name of a file.")
    if target.exists() and not target.is_file():
        return  # a pipe or a device, which is written to as it is
    folder = Path(os.path.realpath(target)).parent
    if not folder.is_dir():
        raise ConfigError(
            f"The folder of the output {str(path)!r} does not exist. Create it first."
        )
    if not os.access(folder, os.W_OK):
        raise ConfigError(
            f"The folder of the output {str(path)!r} is not writable. Choose another one."
        )


def read_schema(path: str) -> Schema:
    """Return what columns mean: from a file of `Schema.write_columns`, or from a model.

    Raises
    ------
    SchemaError
        If there are no columns in it.
    """
    from fieldfare.schema.schema import Schema

    with open(path, "rb") as file:
        start = file.read(64).lstrip()
    if start.startswith(b"{"):
        return Schema.read_columns(path)
    schema = load_any(path).schema
    if schema is None or schema.is_indexed:
        raise SchemaError(f"{path} is a model of numbered features: it has no columns.")
    return schema.unfitted()


def load_any(path: str) -> Model | Posterior:
    """Load a model from ``fieldfare train`` or the samples from ``fieldfare sample``."""
    from fieldfare.persist.file import load_model
    from fieldfare.persist.posterior import holds_posterior, load_posterior

    return load_posterior(path) if holds_posterior(path) else load_model(path)
