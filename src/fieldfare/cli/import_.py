"""Import a model of another program: xLearn, libffm, libFM, LIBLINEAR, implicit, Spark, ..."""

from __future__ import annotations

import argparse

from fieldfare.cli import _options
from fieldfare.cli._files import Input, Output, written
from fieldfare.kinds.solvers import ALS, SGD

EXAMPLES = """\
examples:
  fieldfare import old.model --norm -o clicks.ff                      a binary FFM of xLearn
  fieldfare import old.model --from xlearn --no-norm -o clicks.ff     trained with --no-norm
  fieldfare import ffm.model --from libffm -o clicks.ff
  fieldfare import fm.txt --from libfm --task binary --method als -o clicks.ff
  fieldfare import heart.model --from liblinear -o heart.ff
  fieldfare import spark_model/ --from spark -o ratings.ff            a folder, as Spark saved it
  fieldfare import als.npz --from implicit -o taste.ff                what model.save wrote
  fieldfare import arrays.npz --from lightfm -o taste.ff              see below
  fieldfare import samples.npz --from myfm --task regression -o stars.ff

Pickles are never opened, because they run code. Of LightFM, fastFM and myFM, save the arrays with
NumPy, or pass the fitted object to fieldfare.load_foreign in Python:
  LightFM: numpy.savez("arrays.npz", **{name: getattr(model, name) for name in (
      "user_embeddings", "user_biases", "item_embeddings", "item_biases")})
  fastFM: numpy.savez("arrays.npz", w0_=model.w0_, w_=model.w_, V_=model.V_)
  myFM: draws = model.predictor_.samples; numpy.savez("samples.npz", w0=[d.w0 for d in draws],
      w=[d.w for d in draws], V=[d.V for d in draws],
      alpha=[h.alpha for h in model.history_.hypers[-len(draws):]])   alpha: of regressors only
"""

_OPTIONS = ("norm", "row_length", "task", "method", "output_of", "keep_state")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "model", type=Input, metavar="FILE", help="model of another program; of Spark a folder"
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="PROGRAM",
        help="xlearn, libffm, libfm, liblinear, implicit, lightfm, fastfm, myfm or spark (default: "
        "by the content)",
    )
    parser.add_argument(
        "-o", "--output", type=Output, metavar="MODEL.ff", required=True, help="file to write"
    )
    parser.add_argument(
        "--norm",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="xlearn: whether rows are normalised, as they are without its --no-norm",
    )
    parser.add_argument(
        "--row-length",
        type=float,
        metavar="LENGTH",
        help="xlearn, FM with --norm: the Euclidean length that all rows have",
    )
    parser.add_argument(
        "--keep-state",
        action="store_true",
        default=None,
        help="xlearn, binary: take over the state of AdaGrad or FTRL, from which training goes on",
    )
    parser.add_argument(
        "--task",
        choices=("regression", "binary"),
        help="libfm, myfm, and text of xlearn: what is predicted",
    )
    parser.add_argument(
        "--method", choices=(SGD.name, ALS.name), help="libfm --task binary: what trained it"
    )
    parser.add_argument(
        "--output-of",
        dest="output_of",
        choices=("regression", "logistic", "probit", "rank"),
        help="fastfm: what its scores are",
    )
    _options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Import, and report what the model is."""
    from fieldfare.foreign import load_foreign
    from fieldfare.models.posterior import Posterior
    from fieldfare.persist.file import save_model
    from fieldfare.persist.posterior import save_posterior

    given = {name: getattr(arguments, name) for name in _OPTIONS}
    options = {name: value for name, value in given.items() if value is not None}
    if "output_of" in options:
        options["output"] = options.pop("output_of")
    model = load_foreign(arguments.model, arguments.source, **options)
    with written(arguments.output) as path:
        if isinstance(model, Posterior):
            save_posterior(model, path)
        else:
            save_model(model, path)
    facts = {"kind": model.config.model, "task": model.task, "features": model.n_features}
    _options.report(arguments, f"{model!r} written to {arguments.output}", **facts)
    return 0
