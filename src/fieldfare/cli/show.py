"""Show what a model is, how it was trained, and what it has learned."""

from __future__ import annotations

import argparse
import os
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fieldfare._logging import say_aside
from fieldfare.cli._files import Input, Output
from fieldfare.cli._json import as_json
from fieldfare.cli._options import add_result, say_result
from fieldfare.cli._tables import key_values, size
from fieldfare.exceptions import ConfigError

if TYPE_CHECKING:
    from fieldfare.config import ModelConfig
    from fieldfare.explain.ranking import Ranking
    from fieldfare.models.base import Model
    from fieldfare.models.posterior import Posterior
    from fieldfare.models.scaling import Scaling
    from fieldfare.settings import Settings
    from fieldfare.training.bayes.trace import Trace

EXAMPLES = """\
examples:
  fieldfare show clicks.ff
  fieldfare show clicks.ff --top 30 --schema
  fieldfare show clicks.ff --plot fields.png                  heat map of field pairs
  fieldfare show stars.ff --plot trace.png                    trace of a sampled chain
  fieldfare show clicks.ff --explain test.csv --row 3         the reasons for one prediction
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "model", type=Input, metavar="MODEL.ff", help="model file from 'fieldfare train'"
    )
    parser.add_argument(
        "--top", type=int, default=10, metavar="N", help="length of lists (default: 10)"
    )
    parser.add_argument("--schema", action="store_true", help="print the columns and features too")
    parser.add_argument(
        "--plot",
        type=Output,
        metavar="IMAGE",
        help="write a heat map of field pairs, or the trace of sampling, .png or .svg",
    )
    parser.add_argument(
        "--explain", type=Input, metavar="DATA", help="explain one prediction of this data"
    )
    parser.add_argument(
        "--row",
        type=int,
        default=0,
        metavar="N",
        help="row to explain, counted from 0 (default: 0)",
    )
    add_result(parser, "print one JSON object in place of the tables")


def run(arguments: argparse.Namespace) -> int:
    """Print the model, or explain one row."""
    from fieldfare.cli._files import load_any
    from fieldfare.models.posterior import Posterior

    model = load_any(arguments.model)
    if isinstance(model, Posterior):
        if arguments.explain:
            raise ConfigError(
                f"{arguments.model} holds samples of a Bayesian model, but only a single set of "
                "parameters can be explained. Explain a model from 'fieldfare train'."
            )
        facts = _facts(model) | {"trace": _trace(model).diagnostics()}
        text = as_json(facts) if arguments.json else _posterior(model, arguments)
        say_result(arguments, text)
        if arguments.plot:
            _plot_trace(model, arguments.plot)
        return 0
    if arguments.json:
        text = as_json(_json_of(model, arguments))
    elif arguments.explain:
        text = _explanation(model, arguments.explain, arguments.row, arguments.top)
    else:
        schema = f"\n\n{model.schema}" if arguments.schema else ""
        text = f"{_header(model, arguments.model)}{schema}\n{_learned(model, arguments.top)}"
    say_result(arguments, text)
    if arguments.plot:
        _plot(model, arguments)
    return 0


def _facts(model: Model | Posterior) -> dict[str, Any]:
    """Return what a model is and how it was trained."""
    schema, trained_by = model.schema, model.trained_by
    return {
        "config": asdict(model.config),
        "features": model.n_features,
        "classes": model.classes,
        "columns": None if schema is None else schema.names_in_table,
        "settings": None if trained_by is None else trained_by.to_json(),
        "provenance": model.provenance,
    }


def _json_of(model: Model, arguments: argparse.Namespace) -> dict[str, Any]:
    from fieldfare.explain import explain

    if arguments.explain:
        return explain(model, arguments.explain, arguments.row).to_dict()
    return _facts(model) | {n: r.to_dict() for n, r in _rankings(model, arguments.top).items()}


def _header(model: Model, path: str) -> str:
    from fieldfare.training.provenance import history_of

    config, provenance = model.config, dict(model.provenance)
    history = history_of(model)
    lines = {
        "model": config.model,
        "task": config.task,
        "features": model.n_features,
        "fields": model.n_fields if model.schema is None else model.schema.n_fields,
        "file": f"{path}, {size(os.path.getsize(path))}",
    }
    lines |= _factors(config)
    if model.scaling is not None:
        lines["scaled"] = _scaled(model.scaling)
    if model.classes is not None:
        lines["classes"] = ", ".join(map(str, model.classes))
    # The history is printed below, and the metrics are those of its best epoch.
    for name in ("history", "metrics"):
        provenance.pop(name, None)
    lines |= _settings(model.trained_by, provenance)
    parts = [key_values(lines, indent=0)]
    if history:
        parts += ["", "history", str(history)]
    return "\n".join(parts)


def _scaled(scaling: Scaling) -> str:
    """Say what features were measured in while they were learned from."""
    scaled = int(((scaling.scale != 0) & (scaling.scale != 1) | (scaling.shift != 0)).sum())
    return (
        f"{scaled} features in training, {len(scaling.centred)} of them from their mean; the "
        "parameters are for values as they are"
    )


def _posterior(posterior: Posterior, arguments: argparse.Namespace) -> str:
    path = arguments.model
    provenance = dict(posterior.provenance)
    provenance.pop("trace", None)
    lines = {
        "model": f"samples of a Bayesian {posterior.config.model}",
        "task": posterior.task,
        "samples": len(posterior),
        "features": posterior.n_features,
        "file": f"{path}, {size(os.path.getsize(path))}",
    }
    lines |= _factors(posterior.config)
    if posterior.classes is not None:
        lines["classes"] = ", ".join(map(str, posterior.classes))
    lines |= _settings(posterior.trained_by, provenance)
    schema = f"\n\n{posterior.schema}" if arguments.schema else ""
    return f"{key_values(lines, indent=0)}\n\n{_trace(posterior)}{schema}"


def _trace(posterior: Posterior) -> Trace:
    from fieldfare.training.bayes.trace import Trace

    return Trace.from_json(posterior.provenance.get("trace"))


def _settings(trained_by: Settings | None, provenance: dict[str, Any]) -> dict[str, object]:
    """Return the provenance and the settings, without those that are None."""
    saved: dict[str, Any] = {} if trained_by is None else trained_by.to_json()
    known = _flat(provenance | {name: group for name, group in saved.items() if group})
    return {name: _short(value) for name, value in known.items() if value is not None}


def _factors(config: ModelConfig) -> dict[str, object]:
    """Return the lines about the latent vectors: their lengths and the highest order."""
    lines: dict[str, object] = {}
    if config.kind.has_factors:
        given = config.n_factors
        lines["factors"] = given if isinstance(given, int) else ", ".join(map(str, given))
    if config.kind.by_order:
        lines["order"] = f"{config.order}{', shared factors' if config.shared_factors else ''}"
    return lines


def _flat(items: dict[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested dictionaries as one, with dotted names."""
    found: dict[str, object] = {}
    for name, value in items.items():
        found |= (
            _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
        )
    return found


def _short(value: object) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 72 else text[:69] + "..."


def _learned(model: Model, n: int) -> str:
    return "\n".join(line for found in _rankings(model, n).values() for line in ("", str(found)))


def _rankings(model: Model, n: int) -> dict[str, Ranking]:
    """Return the strongest of what a model has learned."""
    from fieldfare.explain import top_features, top_interactions

    found = {"top_features": top_features(model, n)} if model.config.fit_linear else {}
    if model.factors is None:
        return found
    # If rows carry their own fields, the field of a feature is not known.
    if not model.uses_fields or _knows_fields(model):
        found["top_interactions"] = top_interactions(model, n)
    if _knows_fields(model):
        found["top_field_interactions"] = top_interactions(model, n, by="field")
    return found


def _knows_fields(model: Model) -> bool:
    from fieldfare.explain.entries import fields_of_features

    return fields_of_features(model) is not None


def _explanation(model: Model, data: str, row: int, n: int) -> str:
    from fieldfare.explain import explain

    text = explain(model, data, row).to_text(n)
    return f"row {row} of {data}, counted from 0\n{textwrap.indent(text, '  ')}"


def _plot(model: Model, arguments: argparse.Namespace) -> None:
    from fieldfare.explain import explain, field_interactions
    from fieldfare.report import plot_field_matrix

    if arguments.explain:
        found = explain(model, arguments.explain, arguments.row)
        names, values = found.field_names, found.field_matrix()
    else:
        matrix = field_interactions(model)
        names, values = matrix.names, matrix.values
    # Contributions to a score have a sign, even if this row happens to have no negative one.
    plot_field_matrix(names, values, arguments.plot, signed=bool(arguments.explain))
    say_aside(f"heat map written to {arguments.plot}")


def _plot_trace(posterior: Posterior, path: str) -> None:
    from fieldfare.report import plot_trace

    plot_trace(_trace(posterior), path)
    say_aside(f"trace written to {path}")
