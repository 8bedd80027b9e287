"""What whole numbers are taken for: rules that tell codes from measures, compared by validation.

``python -m benchmarks quality/whole_numbers`` reads the tables of ``benchmarks/common/tables`` and
three generated here, and lets each rule decide what every column of whole numbers is: categories, a
standardised number, or quantile bins. Everything else is the same. Each model is trained with early
stopping on a tenth of its training rows, on one thread, and measured on the validation rows, which
decide nothing; a seed is another division of the rows and another start. Rules are chosen on the
tables that are for choosing; those kept apart confirm. Test parts are not used.
"""

from __future__ import annotations

import math
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.common import tables
from benchmarks.common.public import add_data
from benchmarks.common.report import Report, markdown
from benchmarks.common.tables import MissingDataError, Table
from fieldfare.exceptions import DataWarning
from fieldfare.schema import column_names
from fieldfare.schema.infer import SAMPLE_ROWS
from fieldfare.schema.schema import Schema
from fieldfare.schema.whole_numbers import FEW, WholeNumbers, judge
from fieldfare.sources.headers import words_of
from fieldfare.training.functions import evaluate, train

TITLE, TAKES = "What whole numbers are taken for", "a quarter of an hour"
MODELS = ("linear", "fm", "ffm")
MOST_EPOCHS = 30
FROM_HERE = 20_000
CATEGORY, NUMBER, BINS = "category", "number", "bins"
_CHANGES: dict[str, dict[str, Any]] = {
    CATEGORY: {"kind": "categorical"},
    NUMBER: {"kind": "numeric", "transform": "standardize"},
    BINS: {"kind": "numeric", "transform": "quantile"},
    "ignored": {"kind": "ignore"},
}

# ---- the rules -------------------------------------------------------------------------------


def _before(name: str, numbers: WholeNumbers) -> str:
    """Categories by the end of the name, or if there are few values."""
    words = words_of(name)
    ends = bool(words) and words[-1].endswith(("id", "code"))
    named = ends or (len(words) == 1 and column_names.role_of(name) is not None)
    return CATEGORY if named or numbers.n_values <= FEW else NUMBER


def _half_filled(name: str, numbers: WholeNumbers) -> str:
    """Also categories where values fill less than half of their range and occur twice or more."""
    filled = numbers.n_values / (numbers.high - numbers.low + 1)
    codes = filled < 0.5 and numbers.n_rows >= 2 * numbers.n_values
    return CATEGORY if codes else _before(name, numbers)


def _repeated(name: str, numbers: WholeNumbers) -> str:
    """Also categories wherever values occur twice or more on average."""
    return CATEGORY if numbers.n_rows >= 2 * numbers.n_values else _before(name, numbers)


def _shapes(name: str, numbers: WholeNumbers) -> str:
    """Codes by their shape, whatever a name says of measures; no bins."""
    return CATEGORY if numbers.signs_of_codes else _before(name, numbers)


def _chosen(name: str, numbers: WholeNumbers) -> str:
    """What `fieldfare.schema.whole_numbers` judges."""
    column = judge(name, numbers, complete=True).column
    if column.kind == "numeric":
        return BINS if column.transform == "quantile" else NUMBER
    return CATEGORY if column.kind == "categorical" else "ignored"


def _codes(name: str, numbers: WholeNumbers) -> str:
    """The same, and no bins."""
    found = _chosen(name, numbers)
    return NUMBER if found == BINS else found


def _all_bins(name: str, numbers: WholeNumbers) -> str:
    """The same, and bins for all that are no categories."""
    found = _chosen(name, numbers)
    return BINS if found == NUMBER else found


class Rule(NamedTuple):
    decide: Callable[[str, WholeNumbers], str]
    words: str


RULES = {
    "before": Rule(_before, "categories if the name ends in id or code, or up to 32 values"),
    "half filled": Rule(
        _half_filled, "before, and categories if values fill less than half of their range and "
        "occur twice on average",
    ),
    "repeated": Rule(_repeated, "before, and categories if values occur twice on average"),
    "shapes": Rule(
        _shapes,
        "before, and categories by gaps, by frequencies unlike those of neighbours, or by "
        "distance from zero",
    ),
    "codes": Rule(_codes, "shapes, unless the name speaks of a measure; more names of codes"),
    "chosen": Rule(_chosen, "codes, and bins where some numbers are far beyond most of them"),
    "all bins": Rule(_all_bins, "codes, and bins for all other whole numbers"),
}  # fmt: skip

# ---- generated tables ------------------------------------------------------------------------


def _drawn(rng: np.random.Generator, score: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(rng.random(len(score)) < 1 / (1 + np.exp(-score)), dtype=np.int64)


def _orders(_: Path) -> pd.DataFrame:
    """Orders of a shop: a hash, keys with gaps, dense numbers of branches, counts and prices."""
    rng = np.random.default_rng(21)
    n, buyers, goods, branches = FROM_HERE, 1500, 600, 60
    buyer, good = rng.integers(0, buyers, n), (goods * rng.random(n) ** 2).astype(int)
    branch = rng.choice(branches, n, p=rng.dirichlet(np.full(branches, 0.5)))
    taste, style = rng.normal(0, 0.8, (buyers, 3)), rng.normal(0, 0.8, (goods, 3))
    pieces = rng.geometric(0.4, n)
    cents = np.exp(rng.normal(7, 1, goods)).astype(int)[good] * pieces
    score = -1 + (taste[buyer] * style[good]).sum(axis=1) + rng.normal(0, 0.7, branches)[branch]
    score -= 0.3 * (np.log(cents) - 7.5)
    return pd.DataFrame(
        {
            "order_id": rng.permutation(n) + 50_000,
            "buyer": rng.integers(-(2**62), 2**62, buyers)[buyer],
            "good": np.sort(rng.choice(10**6, goods, replace=False))[good],
            "branch": branch + 1,
            "pieces": pieces,
            "amount_cents": cents,
            "returned": _drawn(rng, score),
        }
    )


def _calls(_: Path) -> pd.DataFrame:
    """Calls of a network: cells, models of handsets, durations; missing cells, so floats."""
    rng = np.random.default_rng(22)
    n, cells, models = FROM_HERE, 400, 250
    cell, model = rng.integers(0, cells, n), (models * rng.random(n) ** 1.5).astype(int)
    seconds = np.exp(rng.normal(4, 1.2, n)).astype(int)
    signal = rng.normal(-85, 9, n).round()
    score = -2.5 - 0.08 * (signal + 85) + 0.25 * (np.log1p(seconds) - 4)
    score += rng.normal(0, 0.8, cells)[cell] + rng.normal(0, 0.6, models)[model]
    number = np.sort(rng.choice(2**28, cells, replace=False))[cell].astype(float)
    number[rng.random(n) < 0.05] = np.nan
    return pd.DataFrame(
        {
            "cell": number,
            "handset": np.sort(rng.choice(10**8, models, replace=False))[model],
            "seconds": seconds,
            "signal": signal,
            "dropped": _drawn(rng, score),
        }
    )


def _survey(_: Path) -> pd.DataFrame:
    """Answers to a survey: scales of five, -1 and -99 for none, occupations, years of birth."""
    rng = np.random.default_rng(23)
    n, jobs = FROM_HERE, 120
    mood = rng.normal(size=n)
    answers = {
        f"q{number}": np.where(
            rng.random(n) < 0.08,
            rng.choice([-1, -99], n),
            np.clip(np.round(3 + mood * slope + rng.normal(size=n)), 1, 5),
        ).astype(int)
        for number, slope in enumerate((0.9, 0.6, -0.7, 0.0))
    }
    born = rng.integers(1935, 2008, n)
    job = (jobs * rng.random(n) ** 2).astype(int)
    score = 0.8 * mood - 0.002 * (born - 1970) ** 2 + 1 + rng.normal(0, 0.8, jobs)[job]
    numbers = np.sort(rng.choice(9000, jobs, replace=False) + 1000)
    return pd.DataFrame(
        {**answers, "born": born, "occupation": numbers[job], "content": _drawn(rng, score)}
    )


HERE = {
    table.name: table
    for table in (
        Table(name="orders", read=_orders, target="returned", task="binary", kinds=("codes",),
              source="generated here", licence="ours"),
        Table(name="calls", read=_calls, target="dropped", task="binary", kinds=("codes",),
              source="generated here", licence="ours"),
        Table(name="survey", read=_survey, target="content", task="binary", kinds=("codes",),
              source="generated here", licence="ours"),
    )
}  # fmt: skip

# What a person would call the columns that are codes, of those that a rule may take for either;
# all others measure something.
CODES = {
    "access": "resource mgr_id role_rollup_1 role_rollup_2 role_deptname role_title role_family "
              "role_code",
    "auction": "advert",
    "calls": "cell handset",
    "caravan": "MOSTYPE",
    "census": "industry_code occupation_code",
    "flights": "flight",
    "frappe": "user item country city",
    "incomes": "occ10",
    "lecturers": "s d",
    "ml-100k": "user item",
    "ml-1m": "user item",
    "movielens-small": "movieId userId",
    "orders": "order_id buyer good branch",
    "survey": "occupation",
}  # fmt: skip

# ---- measuring -------------------------------------------------------------------------------


def _load(name: str, most: int, data: Path) -> tuple[Table, pd.DataFrame]:
    if name not in HERE:
        return tables.TABLES[name], tables.load(name, most, data)
    return HERE[name], HERE[name].read(data).head(most)


def _whole_numbers(frame: pd.DataFrame, target: str) -> dict[str, WholeNumbers]:
    """Return what the columns of whole numbers are like, in the rows that inference looks at."""
    found = {}
    for name in frame.columns.drop(target):
        cells = frame[name].head(SAMPLE_ROWS).dropna()
        if cells.dtype.kind in "iuf" and len(cells) and (np.floor(cells) == cells).all():
            found[name] = WholeNumbers.of(cells.to_numpy())
    return found


def _loss(schema: Schema, parts: tables.Parts, table: Table, model: str, seed: int) -> float:
    """Return the validation loss; of regressions in units of the variance of the target."""
    trained = train(
        parts.train, schema=schema, model=model, task=table.task, early_stopping=True,
        max_iter=MOST_EPOCHS, random_state=seed, n_jobs=1,
    ).model  # fmt: skip
    loss = evaluate(trained, parts.valid, n_jobs=1)["loss"]
    unit = float(np.var(parts.train[table.target])) if table.task == "regression" else 1.0
    return loss / unit


def add_options(parser: ArgumentParser) -> None:
    add_data(parser)
    names = [*tables.TABLES, *HERE]
    parser.add_argument("--tables", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rows", type=int, default=8_000, help="most rows of a table")
    parser.add_argument("--seeds", type=int, default=tables.SPLITS)


def measure(options: Namespace) -> dict[str, Any]:
    """Run every rule on every table; rules that decide alike share their runs."""
    runs, decisions = [], []
    for name in options.tables:
        try:
            table, frame = _load(name, options.rows, options.data)
        except MissingDataError as error:
            print(error)
            continue
        whole = _whole_numbers(frame, table.target)
        kinds = {
            rule: {column: RULES[rule].decide(column, numbers) for column, numbers in whole.items()}
            for rule in RULES
        }
        if all(chosen == kinds["before"] for chosen in kinds.values()):
            continue
        decisions += _decisions(name, whole, kinds)
        if table.task != "regression":
            frame[table.target] = frame[table.target].astype(str)
        for seed in range(options.seeds):
            parts = tables.split(table, frame, seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)
                plain = Schema.infer(parts.train, target=table.target, ignore=table.texts)
            for model in options.models:
                done: dict[str, float] = {}
                losses = {}
                for rule, chosen in kinds.items():
                    schema = plain
                    for column, kind in chosen.items():
                        schema = schema.edit(column, **_CHANGES[kind])
                    if schema.digest not in done:
                        done[schema.digest] = _loss(schema, parts, table, model, seed)
                    losses[rule] = done[schema.digest]
                runs.append(
                    {"table": name, "apart": table.apart, "model": model, "seed": seed, **losses}
                )
        print(f"{name}: {len(whole)} columns of whole numbers", flush=True)
    return {"runs": runs, "decisions": decisions}


def _decisions(
    table: str, whole: dict[str, WholeNumbers], kinds: dict[str, dict[str, str]]
) -> list[dict[str, Any]]:
    """Return what the rules take each column for, where they differ or a person would."""
    codes = CODES.get(table, "").split()
    return [
        {
            "table": table,
            "column": column,
            "person": CATEGORY if column in codes else NUMBER,
            "like": str(numbers),
            **{rule: chosen[column] for rule, chosen in kinds.items()},
        }
        for column, numbers in whole.items()
        if numbers.n_values > FEW
    ]


def tell(report: Report) -> Iterator[str]:
    runs, decisions = report.figures["runs"], report.figures["decisions"]
    settings = report.settings
    yield (
        f"Validation loss (of regressions in units of the variance), mean of {settings['seeds']} "
        f"seeds, up to {settings['rows']:,} rows, three fifths of them to train on; the least of a "
        "line is bold. Last, for each rule, the geometric mean of the ratios to *before*."
    )
    yield markdown(["rule", "what it does"], [[name, rule.words] for name, rule in RULES.items()])
    for apart, title in ((False, "Tables to choose on"), (True, "Tables kept apart")):
        some = [run for run in runs if run["apart"] == apart]
        if some:
            yield f"## {title}"
            yield _losses(some)
    yield "## Decisions that a person would call wrong"
    yield (
        "Of columns with more than 32 different values. A measure in bins counts as right, an "
        "ignored identifier too."
    )
    yield _counts(decisions)
    wrong = [one for one in decisions if _wrong(one, "chosen")]
    yield "With the rule that was chosen:"
    yield markdown(
        ["table", "column", "holds", "taken for"],
        [[one["table"], one["column"], one["like"], one["chosen"]] for one in wrong],
    )


def _losses(runs: list[dict[str, Any]]) -> str:
    rows: list[list[Any]] = []
    ratios: dict[tuple[str, str], list[float]] = {}
    for table, model in dict.fromkeys((run["table"], run["model"]) for run in runs):
        own = [run for run in runs if (run["table"], run["model"]) == (table, model)]
        losses = {rule: mean(run[rule] for run in own) for rule in RULES}
        least = min(losses.values())
        shown = {rule: f"{loss:.4f}" for rule, loss in losses.items()}
        rows.append(
            [table, model]
            + [f"**{shown[rule]}**" if loss == least else shown[rule]
               for rule, loss in losses.items()]
        )  # fmt: skip
        for rule, loss in losses.items():
            ratios.setdefault((model, rule), []).append(math.log(loss / losses["before"]))
    for model in dict.fromkeys(run["model"] for run in runs):
        means = [f"{math.exp(mean(ratios[model, rule])):.4f}" for rule in RULES]
        rows.append(["*ratio*", model, *means])
    return markdown(["table", "model", *RULES], rows)


def _wrong(decision: dict[str, Any], rule: str) -> bool:
    is_category = decision[rule] in (CATEGORY, "ignored")
    return bool(is_category != (decision["person"] == CATEGORY))


def _counts(decisions: list[dict[str, Any]]) -> str:
    return markdown(
        ["rule", "codes taken for numbers", "measures taken for categories", "of"],
        [
            [
                rule,
                *(
                    sum(_wrong(one, rule) and one["person"] == person for one in decisions)
                    for person in (CATEGORY, NUMBER)
                ),
                len(decisions),
            ]
            for rule in RULES
        ],
    )
