"""The command line: one module per command, and the only place that ends the process.

Nothing heavy is imported until a command runs, so that ``fieldfare --help`` answers at once.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fieldfare._logging import quieted, say_error
from fieldfare._version import __version__
from fieldfare.cli import (
    convert,
    cv,
    demo,
    evaluate,
    export,
    features,
    import_,
    inspect,
    predict,
    recommend,
    sample,
    serve,
    show,
    train,
)
from fieldfare.cli._ending import (
    INTERRUPTED,
    flush_results,
    forget_results,
    message,
    terminable,
    whole_results,
)
from fieldfare.cli._files import settle_files
from fieldfare.cli._options import Formatter, Parser, add_common
from fieldfare.exceptions import FieldfareError

__all__ = ["main"]

OK, FAILED, USAGE = 0, 1, 2
_WORDS = {"help": "--help", "version": "--version"}  # said as commands: help train
_COMMANDS = (
    train,
    sample,
    predict,
    evaluate,
    cv,
    inspect,
    convert,
    show,
    recommend,
    serve,
    features,
    export,
    import_,
    demo,
)
_EPILOG = """\
start here:
  fieldfare demo                                a tour on generated data, half a minute
  fieldfare inspect train.csv --target clicked  what a file holds, and what is wrong with it
  fieldfare train train.csv --target clicked    train a factorization machine
  fieldfare predict new.csv -m train.ff         predict with it
  fieldfare serve train.ff                      answer requests over HTTP

DATA is a file, several files, a folder, a quoted glob, or - for standard input: CSV or TSV,
JSON lines, Parquet, Feather or Arrow IPC, libsvm, libffm, or a RowStore, plain or compressed
(gzip, bz2, xz, zstd, zip). The content determines the format.
'fieldfare COMMAND --help' explains each command with examples.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments after the program's name; None takes those of the process.

    Returns
    -------
    int
        0: success. 1: failure, with a message on standard error. 2: wrong usage. 130: interrupted
        by Ctrl-C. 143: ended by SIGTERM.
    """
    parser, argv = _parser(), sys.argv[1:] if argv is None else list(argv)
    if not argv:
        parser.print_help()
        return OK
    if argv[0] in _WORDS:
        argv = [*argv[1:], _WORDS[argv[0]]]
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    quiet = quieted(arguments.quiet)
    with quiet, _plain_warnings(), whole_results(), terminable() as signals:
        try:
            settle_files(arguments)
            code = int(arguments.run(arguments))
            flush_results()
            return signals.code if code == INTERRUPTED else code
        except KeyboardInterrupt:
            say_error("interrupted")
            return signals.code
        except BrokenPipeError:
            forget_results()
            return OK
        except (FieldfareError, OSError) as error:
            if arguments.debug:
                raise
            forget_results()
            say_error(f"fieldfare {arguments.command}: {message(error)}")
            return FAILED
        except Exception as error:
            if arguments.debug:
                raise
            say_error(
                f"fieldfare {arguments.command}: unexpected {type(error).__name__}: {error}\n"
                "This looks like a bug in fieldfare. Run the command again with --debug for the "
                "traceback, and please report it."
            )
            return FAILED


def _parser() -> Parser:
    parser = Parser(
        prog="fieldfare",
        description="Factorization machines: train, evaluate, explain and predict from the shell.",
        epilog=_EPILOG,
        formatter_class=Formatter,
    )
    parser.add_argument("--version", action="version", version=f"fieldfare {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for command in _COMMANDS:
        name = command.__name__.rpartition(".")[2].rstrip("_")  # `import` is a keyword
        summary = (command.__doc__ or "").partition("\n")[0]
        sub = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=command.EXAMPLES,
            formatter_class=Formatter,
            allow_abbrev=False,
        )
        command.configure(sub)
        sub.more = getattr(command, "more_help", None)
        add_common(sub)
        sub.set_defaults(run=command.run)
    return parser


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings as one line, without the source line that raised them."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        say_error(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
