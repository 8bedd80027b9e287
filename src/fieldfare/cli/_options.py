"""Options that several commands share; the flags of hyperparameters are made from ``config``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from typing import Any, NoReturn

from fieldfare._files import STREAM
from fieldfare._logging import say, say_aside
from fieldfare._validation import NONE, AnyOf, Flag, Named, Number, OneOf, Several, closest, shown
from fieldfare.cli._files import Input, Output
from fieldfare.cli._json import as_json
from fieldfare.config import Config, ModelConfig, SolverConfig, TrainingConfig, description
from fieldfare.settings import TRAINED

# Flags that come before the one made from the parameter's name, where another word is usual.
ALIASES = {
    "n_factors": ("-k",),
    "max_iter": ("--epochs",),
    "n_jobs": ("--threads",),
    "random_state": ("--seed",),
}
GROUPS = {
    "model": ModelConfig,
    "solver": SolverConfig,
    "training": TrainingConfig,
}
_HIDDEN = {"verbose"}
_WHETHER = "Whether to "
_DOCS = {
    "early_stopping": "Stop when the validation metric no longer improves, and keep the best "
    "epoch. Without --valid, a part of the rows is held out for it (default: on, unless there are "
    "very few rows)",
    "refit": "Train again on all rows, after a part was held out, for the best number of epochs "
    "(default: on, unless there are very many rows)",
    "validation_column": "Column of times for --validation time, or of groups for --validation "
    "group; it may be a feature or not (default: the order of the rows, or the groups of ranking)",
    "random_state": "Seed of everything random; the same seed gives the same result on any number "
    "of cores (default: a new one each time)",
    "n_jobs": "Number of threads (default: all cores)",
    "memory_limit": "Megabytes of stored rows to keep in memory when training from disk; the model "
    "itself is not counted (default: left to the operating system)",
    "shuffle": "Visit blocks of rows, and the rows within them, in the order of the data",
    "class_weight": "'balanced' for weights inverse to the frequency of each class, or weights as "
    "CLASS:WEIGHT,CLASS:WEIGHT (default: none)",
    "eval_metric": "Metric on the validation data that decides (default: the training loss)",
    "task": "What is predicted: a number, which of two classes, which of several, or the order of "
    "the rows within their group (default: inferred from the target)",
}


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Shows examples exactly as written, and leaves room for long flags."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


class Parser(argparse.ArgumentParser):
    """A parser that suggests the nearest option or choice for an unknown word.

    ``more``, if it is set, gives help that takes imports to write: it is asked when help is shown.
    """

    more: Callable[[], str] | None = None

    def error(self, message: str) -> NoReturn:
        """End with one line that says what is wrong, and one that says where to read more."""
        end = "" if message.endswith((".", "?")) else "."
        self.exit(2, f"{self.prog}: {message}{end}\nSee '{self.prog} --help'.\n")

    def format_help(self) -> str:
        if self.more is not None:
            self.epilog, self.more = f"{self.epilog}\n{self.more()}", None
        return super().format_help()

    # By default, argparse passes unknown words up to the main parser. Here they are an error of the
    # command, which shows the command's own usage.
    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            flags = [word.partition("=")[0] for word in unknown if word.startswith("-")]
            hint = closest(flags[0], self._option_string_actions) if flags else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}.{hint}")
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            hint = closest(str(value), map(str, action.choices or ()))
            raise argparse.ArgumentError(action, f"{error.message}.{hint}") from None


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every command has; of a command with steps, every step."""
    if parser._subparsers is not None:
        return
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="print only results, warnings and errors"
    )
    parser.add_argument("--debug", action="store_true", help="on an error, print the traceback")


def add_json(
    parser: argparse.ArgumentParser, words: str = "print one JSON object in place of the report"
) -> None:
    """Add the option to print what a script reads, of a command that writes something else."""
    parser.add_argument("--json", action="store_true", help=words)
    parser.set_defaults(json_is_output=False)


def add_result(
    parser: argparse.ArgumentParser, words: str = "print one JSON object in place of the table"
) -> None:
    """Add where the result of a command goes, and the option to have it as a script reads it."""
    parser.add_argument(
        "-o",
        "--output",
        type=Output,
        metavar="OUT",
        help="file for the result (default: -, stdout)",
    )
    parser.add_argument("--json", action="store_true", help=words)
    parser.set_defaults(json_is_output=True)


def say_result(arguments: argparse.Namespace, text: str) -> None:
    """Print the result of a command, or write it to the file that was named."""
    if arguments.output in (None, STREAM):
        say(text)
        return
    from fieldfare.sources.write import open_output

    with open_output(arguments.output) as file:
        file.write(f"{text}\n".encode())


def report(arguments: argparse.Namespace, line: str, **facts: Any) -> None:
    """Say what a command wrote: in a line for a person or, with ``--json``, as facts."""
    if arguments.json:
        say(as_json({"output": str(arguments.output), **facts}))
    else:
        say_aside(line)


def prints_report(arguments: argparse.Namespace) -> bool:
    """Whether a command prints its report: not where something else goes to standard output."""
    return not (arguments.quiet or arguments.output == STREAM or arguments.json)


def add_data(
    parser: argparse.ArgumentParser, *, labelled: bool = True, format_flag: str = "--format"
) -> None:
    """Add DATA, how it is to be read and, if it is labelled, the options that name columns."""
    parser.add_argument(
        "data", nargs="+", type=Input, metavar="DATA", help="file, folder, glob or - (stdin)"
    )
    if labelled:
        add_roles(parser)
    add_reading(parser, format_flag)


def add_roles(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the columns of a table."""
    group = parser.add_argument_group("columns of a table")
    add_target(group)
    group.add_argument("--weight", type=column, metavar="COLUMN", help="weight of each sample")
    group.add_argument(
        "--group", type=column, metavar="COLUMN", help="group of each sample, for grouped metrics"
    )


def add_target(parser: Any, words: str = "what to predict") -> None:
    """Add the option that names the target column."""
    parser.add_argument(
        "--target",
        type=column,
        metavar="COLUMN",
        help=f"{words}; a number is a position from 0, unless a column has that name",
    )


def add_reading(parser: argparse.ArgumentParser, format_flag: str = "--format") -> None:
    """Add the options that say how files are to be read."""
    group = parser.add_argument_group("form of the files (default: detected)")
    group.add_argument(
        format_flag,
        dest="data_format",
        metavar="NAME",
        help="csv (cells with any separator), jsonl, parquet, ipc, libsvm or libffm",
    )
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first row names the columns",
    )
    group.add_argument(
        "--names",
        type=lambda text: text.split(","),
        metavar="NAME,NAME,...",
        help="names of the columns, in order, for files without a header",
    )
    group.add_argument("--sep", metavar="TEXT", help="what separates the cells, such as ';' or tab")
    group.add_argument(
        "--encoding",
        metavar="NAME",
        help="what text is written in, such as latin-1 (default: UTF-8)",
    )


def column(text: str) -> str | int:
    """Return the name of a column; what is written as a whole number may be a position."""
    return int(text) if text.isdecimal() and str(int(text)) == text else text


def add_model(
    parser: argparse.ArgumentParser,
    words: str = "model file from 'fieldfare train'",
    *,
    required: bool = True,
) -> None:
    """Add the model file."""
    parser.add_argument(
        "-m", "--model", required=required, type=Input, metavar="MODEL.ff", help=words
    )


def add_new_model(parser: argparse.ArgumentParser) -> None:
    """Add what the commands that make a model share: where it goes, messages and the cache."""
    parser.add_argument(
        "-o",
        "--output",
        type=Output,
        metavar="MODEL.ff",
        help="model file (default: DATA's name with .ff, in this folder)",
    )
    parser.set_defaults(default_output=default_output)
    parser.add_argument("--no-cache", action="store_true", help="do not keep the encoded rows")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the number of threads."""
    item = TrainingConfig.__dataclass_fields__["n_jobs"]
    parser.add_argument(
        "--threads", type=_number(item), metavar="N", help="threads (default: every core)"
    )


def add_hyperparameters(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every hyperparameter of ``config``, grouped as there."""
    for title, group in GROUPS.items():
        section = parser.add_argument_group(title)
        for item in fields(group):
            if item.name not in _HIDDEN:
                _add_flag(section, item)


def add_flags(section: Any, group: type[Config], names: Sequence[str]) -> None:
    """Add flags for some hyperparameters of one group of ``config``."""
    for item in fields(group):
        if item.name in names:
            _add_flag(section, item)


def hyperparameters(
    arguments: argparse.Namespace, names: Sequence[str] = TRAINED
) -> dict[str, Any]:
    """Return the hyperparameters that the user gave, by their names in ``config``."""
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def reading(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the user says about the form of the files."""
    said = {name: getattr(arguments, name) for name in ("header", "names", "sep", "encoding")}
    said["format"] = arguments.data_format
    return {name: value for name, value in said.items() if value is not None}


def source(paths: list[str]) -> Any:
    """Return DATA in the form that readers take: a single path, or a list of several."""
    return paths[0] if len(paths) == 1 else paths


def flag_names(name: str) -> tuple[str, ...]:
    """Return the flags of a hyperparameter, the most usual one first."""
    return (*ALIASES.get(name, ()), "--" + name.replace("_", "-"))


def _add_flag(section: Any, item: Field[Any]) -> None:
    constraint, name = item.metadata["constraint"], item.name
    words = _commanded(item)
    help_text = _DOCS.get(name, f"{words} (default: {_shown(item.default)})").replace("%", "%%")
    options: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS, "help": help_text}
    flags = flag_names(name)
    parts = constraint.constraints if isinstance(constraint, AnyOf) else (constraint,)
    if any(isinstance(part, Flag) for part in parts):
        flags = _switch(item, flags, options)
    elif name == "validation_column":
        options |= {"type": column, "metavar": "COLUMN"}
    elif name == "class_weight":
        options |= {"type": _class_weight, "metavar": "WEIGHTS"}
    elif isinstance(parts[0], OneOf):
        options["choices"] = parts[0].options
    else:
        number = _number_type(parts)
        metavar = "NAME" if number is None else "N" if number is int else "X"
        if any(isinstance(part, Several) for part in parts):
            metavar += f"[,{metavar}...]"
        options |= {"type": str if number is None else _number(item), "metavar": metavar}
    section.add_argument(*flags, **options)


def _switch(item: Field[Any], flags: tuple[str, ...], options: dict[str, Any]) -> tuple[str, ...]:
    """Make a flag that reverses the default, or one for each value if the default is neither."""
    if not isinstance(item.default, bool):
        options["action"] = argparse.BooleanOptionalAction
        return flags
    options["action"] = "store_false" if item.default else "store_true"
    if item.default and item.name not in _DOCS:
        options["help"] = _negated(description(item).rstrip("."))
    return tuple(f"--no-{flag[2:]}" for flag in flags) if item.default else flags


def _number_type(parts: tuple[Any, ...]) -> type[int] | type[float] | None:
    for part in parts:
        if isinstance(part, Number):
            return int if part.integer else float
    return None


def _number(item: Field[Any]) -> Callable[[str], Any]:
    """Return the function that reads the value of a flag or refuses it, without Python's terms."""
    constraint = item.metadata["constraint"]
    parts = constraint.constraints if isinstance(constraint, AnyOf) else (constraint,)
    kind = _number_type(parts) or str
    # None means that the flag is left out, so the message does not name it as a value.
    # Nor can a word be an object.
    allowed = AnyOf(tuple(p for p in parts if p is not NONE and not isinstance(p, Named)))
    several = any(isinstance(part, Several) for part in parts)
    words = [option for part in parts if isinstance(part, OneOf) for option in part.options]

    def read(text: str) -> Any:
        if text in words:
            return text
        try:
            value: Any = (
                kind(text) if not (several and "," in text) else tuple(map(kind, text.split(",")))
            )
        except ValueError:
            value = None
        if value is None or not allowed.allows(value):
            raise argparse.ArgumentTypeError(f"must be {allowed}. Got {shown(text)} instead.")
        return value

    return read


def _commanded(item: Field[Any]) -> str:
    """Return the sentences about a parameter, in the imperative where a flag turns it on."""
    words = description(item).rstrip(".")
    action = words.removeprefix(_WHETHER)
    return words if action == words else action[0].upper() + action[1:]


def _negated(words: str) -> str:
    """Turn the sentence about a parameter that is on into help for the flag that turns it off."""
    if words.startswith(_WHETHER):
        return f"Do not {words.removeprefix(_WHETHER)}"
    return f"{words} (default: on; this switches it off)"


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return "none" if default is None else f"{default}"


def _class_weight(text: str) -> str | dict[Any, float]:
    if text == "balanced":
        return text
    try:
        parts = [part.rsplit(":", 1) for part in text.split(",")]
        return {_class_label(label): float(weight) for label, weight in parts}
    except ValueError:
        raise argparse.ArgumentTypeError(
            "must be 'balanced' or CLASS:WEIGHT,CLASS:WEIGHT (for instance 0:1,1:5). Got "
            f"{text!r} instead."
        ) from None


def _class_label(label: str) -> int | str:
    try:
        return int(label)
    except ValueError:
        return label


def default_output(arguments: argparse.Namespace) -> Output:
    """Return ``STEM.ff`` in the current folder, with the stem of the first data file."""
    paths = [arguments.data] if isinstance(arguments.data, str) else arguments.data
    name = os.path.basename(os.path.normpath(paths[0]))
    stem = name.split(".")[0] if paths[0] != "-" else "model"
    return Output(f"{stem or 'model'}.ff")
