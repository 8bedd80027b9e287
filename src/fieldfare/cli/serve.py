"""Serve a model or an index over HTTP: predictions, recommendations, changes, metrics."""

from __future__ import annotations

import argparse

from fieldfare._logging import say_aside
from fieldfare.cli._files import Input, InputOrAddress, Output
from fieldfare.cli._recommend_options import add_models_of_index

EXAMPLES = """\
examples:
  fieldfare serve clicks.ff
  fieldfare serve ratings.index -m ratings.ff --port 8080
  fieldfare serve deploy.toml --tokens tokens.txt --host 0.0.0.0

  curl http://127.0.0.1:8000/v1/predict -d '{"rows": [{"user": "u1", "hour": "22"}]}'
  curl http://127.0.0.1:8000/v1/recommend -d '{"user": "u1", "n": 5}'
  curl http://127.0.0.1:8000/openapi.json

TARGET is a file from 'fieldfare train', a folder from 'fieldfare recommend index' with its model
(-m), or a file deploy.toml with several models; see the page Serving of the documentation. Ctrl-C
or SIGTERM ends it when the requests in progress are answered.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "target", type=Input, metavar="TARGET", help="model file, folder of an index, or .toml"
    )
    add_models_of_index(parser, required=False)
    parser.add_argument(
        "--watch", action="store_true", default=None, help="load files again when they are replaced"
    )
    parser.add_argument("--host", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="N", help="default: 8000; 0: any that is free")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes, which share the models (default: 1)"
    )
    parser.add_argument(
        "--tokens",
        type=Input,
        metavar="FILE",
        help="lines 'read TOKEN' and 'admin TOKEN'; needed where others can reach the address",
    )
    parser.add_argument(
        "--without-tokens",
        action="store_true",
        default=None,
        help="let whoever can reach the address read, and nobody change anything",
    )
    parser.add_argument(
        "--journal",
        type=Output,
        metavar="FILE",
        help="where changes are kept, so that a restart loses none",
    )
    parser.add_argument(
        "--features",
        type=InputOrAddress,
        metavar="SOURCE",
        help="columns of users: a table, redis://HOST:PORT or postgresql://HOST/DATABASE",
    )
    parser.add_argument(
        "--log", choices=("errors", "all"), help="which requests to log (default: errors)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    from fieldfare.serving.run import serve
    from fieldfare.serving.settings import settings_of

    names = (
        *("ranker", "watch", "host", "port", "workers", "tokens", "without_tokens", "log"),
        *("journal", "features"),
    )
    settings = settings_of(
        arguments.target, arguments.model, **{name: getattr(arguments, name) for name in names}
    )
    serve(settings, lambda address: say_aside(f"serving {', '.join(settings.models)} on {address}"))
    return 0
