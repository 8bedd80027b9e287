"""Sample a Bayesian model on a file and save its samples."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING, Any

from fieldfare._logging import say, say_error, say_notes
from fieldfare.cli import _columns, _options
from fieldfare.cli._ending import INTERRUPTED
from fieldfare.cli._files import Input, written
from fieldfare.cli._json import as_json
from fieldfare.cli._tables import key_values, size
from fieldfare.config import GibbsConfig, ModelConfig, TrainingConfig
from fieldfare.kinds.solvers import GIBBS
from fieldfare.settings import SAMPLED

if TYPE_CHECKING:
    from fieldfare.training.bayes.sampling import SamplingResult

EXAMPLES = """\
examples:
  fieldfare sample ratings.csv --target stars
  fieldfare sample ratings.csv --target stars --task ordinal --valid valid.csv -k 10 --n-samples 200
  fieldfare sample ratings.csv --target stars -o stars.ff
  fieldfare sample ratings.csv --target stars --model hofm --order 3 -k 8,4
  fieldfare predict new.csv -m stars.ff --interval 0.9 -o predictions.csv

There is no step size to tune, and the penalties are sampled too. The output holds all the samples
that were kept; predict averages over them. With --valid, the error of the average is reported.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _columns.add(parser)
    parser.add_argument(
        "--valid", type=Input, metavar="DATA", help="rows to predict while sampling"
    )
    _options.add_new_model(parser)
    group = parser.add_argument_group("model")
    group.add_argument(
        "--task",
        choices=("regression", "binary", "ordinal"),
        help="What is predicted: a number, the probability of the second class, or ordered numbers "
        "such as stars (default: binary for two different targets, else regression)",
    )
    group.add_argument(
        "--one-group",
        action="store_true",
        help="Use one prior for all features (default: one for the features of each column)",
    )
    group.add_argument(
        "--model",
        choices=GIBBS.model_kinds,
        default=ModelConfig().model,
        help="Linear model, or factorization machine: plain, or of higher order (default: fm)",
    )
    names = [name for name in SAMPLED if name not in ("model", "task", "verbose")]
    _options.add_flags(group, ModelConfig, names)
    group = parser.add_argument_group("sampling")
    _options.add_flags(group, GibbsConfig, names)
    _options.add_flags(group, TrainingConfig, names)
    _options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load, sample, report and save."""
    from fieldfare.data.loading import load
    from fieldfare.persist.posterior import save_posterior
    from fieldfare.training.bayes.functions import sample

    output = arguments.output
    start = time.perf_counter()
    data = load(
        _options.source(arguments.data),
        cache=not arguments.no_cache,
        **_options.reading(arguments),
        **_columns.given(arguments),
    )
    prints = _options.prints_report(arguments)
    say_notes(data.schema.notes)
    given = _options.hyperparameters(arguments, SAMPLED)
    result = sample(
        data,
        valid=arguments.valid,
        groups="all" if arguments.one_group else None,
        **{"verbose": int(prints)} | given,
    )
    if result.posterior is not None:
        with written(output) as path:
            save_posterior(result.posterior, path)
    if result.interrupted:
        kept = 0 if result.posterior is None else len(result.posterior)
        what = f"{output} holds {kept} samples" if kept else f"nothing was saved to {output}"
        say_error(f"interrupted after {len(result.trace.sweeps)} sweeps: {what}")
    seconds = time.perf_counter() - start
    if arguments.json:
        say(as_json(_facts(result, output, seconds)))
    elif prints:
        say(_summary(result, output, seconds))
    return INTERRUPTED if result.interrupted else 0


def _facts(result: SamplingResult, output: str, seconds: float) -> dict[str, Any]:
    """Return what came of the sampling, for scripts; without an output, nothing was saved."""
    posterior, trace = result.posterior, result.trace
    return {
        "model": None if posterior is None else output,
        "task": None if posterior is None else posterior.task,
        "samples": 0 if posterior is None else len(posterior),
        "interrupted": result.interrupted,
        "seconds": seconds,
        "last": trace.sweeps[-1] if trace.sweeps else {},
        "trace": trace.diagnostics(),
    }


def _summary(result: SamplingResult, output: str, seconds: float) -> str:
    lines: dict[str, object] = {}
    if result.posterior is not None:
        about = f"{len(result.posterior)} samples, {size(os.path.getsize(output))}"
        lines["saved"] = f"{output}, {about}"
    lines["sampled in"] = f"{seconds:.1f} s"
    last = result.trace.sweeps[-1] if result.trace.sweeps else {}
    lines |= {name: value for name, value in last.items() if name.startswith("valid_")}
    text = f"\n{result.trace}\n\n{key_values(lines)}"
    if result.posterior is not None:
        text += f"\n\nnext:\n  fieldfare predict NEW -m {output} -o predictions.csv"
        if result.posterior.task == "regression":
            text += " --interval 0.9"
    return text
