"""What people have: files as other programs and well-known sets write them, in small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

N = 40
_CITIES = ("Rome", "Oslo", "Lima", "Cairo", "Quito")


@dataclass(frozen=True)
class Form:
    """A file, and what is to be detected in it.

    Parameters
    ----------
    title : str
        Who writes such files.
    content : str or bytes
    format : str
        "csv", "libsvm" or "libffm".
    separator : str or None
    header : bool
        Whether the first row names the columns.
    names : tuple of str
        Of the columns; for numbered features none.
    rows : int
    """

    title: str
    content: str | bytes
    format: str = "csv"
    separator: str | None = ","
    header: bool = True
    names: tuple[str, ...] = ()
    rows: int = N


def _lines(line: Callable[[int], str], header: str = "", n: int = N, end: str = "\n") -> str:
    return "".join(
        text + end for text in ([header] if header else []) + [line(i) for i in range(n)]
    )


def _city(i: int) -> str:
    return _CITIES[i % 5]


def _positions(n: int) -> tuple[str, ...]:
    return tuple(f"f{i}" for i in range(n))


_CRITEO = "\t".join(
    ["{y}", *["{i}"] * 6, "", *["{i}"] * 6, *["68fd1e{h:02x}"] * 10, "", *["05db91{h:02x}"] * 15]
)
_ADULT = ", ".join(
    ["{age}", "State-gov", "77516", "Bachelors", "13", "?", "Adm-clerical", "{income}"]
)
_AVAZU = (
    "id,click,hour,C1,banner_pos,site_id",
    lambda i: f"10000{i:016d},{i % 2},14102100,1005,{i % 2},1fbe01f{i % 10}",
)
_SAMPLES = ("city,price,bought", lambda i: f"{_city(i)},{i % 7}.5,{i % 2}")
_BOUGHT = ("city", "price", "bought")
_RATING = ("user", "item", "rating", "time")
_ML100K = "{u}\t{m}\t{r}\t{t}"


def _rating(form: str) -> Callable[[int], str]:
    return lambda i: form.format(u=i % 9 + 1, m=i % 17 + 1, r=i % 5 + 1, t=881250949 + i)


FORMS = [
    # -- exports of data frames and statistics programs ------------------------------------------
    Form("pandas, index=False", _lines(_SAMPLES[1], _SAMPLES[0]), names=_BOUGHT),
    Form(
        "pandas, with its index",
        _lines(lambda i: f"{i},{_SAMPLES[1](i)}", "," + _SAMPLES[0]),
        names=_BOUGHT,
    ),
    Form(
        "pandas, a shuffled index",
        _lines(lambda i: f"{i * 7 % N},{_SAMPLES[1](i)}", "," + _SAMPLES[0]),
        names=_BOUGHT,
    ),
    Form(
        "pandas of an array",
        _lines(lambda i: f"{i % 2},{i / 7:.3f},{i / 9:.3f}", "0,1,2"),
        names=("0", "1", "2"),
    ),
    Form(
        "pandas of an array, with its index",
        _lines(lambda i: f"{i},{i % 2},{i / 7:.3f}", ",0,1"),
        names=("0", "1"),
    ),
    Form(
        "polars, date-times",
        _lines(
            lambda i: f"2024-01-{i % 28 + 1:02d}T12:{i:02d}:00.000000,{i % 5},{i % 2}",
            "when,user,bought",
        ),
        names=("when", "user", "bought"),
    ),
    Form(
        "R, write.csv",
        _lines(lambda i: f'"{i + 1}","{_city(i)}",{i % 7}.5,1', '"","city","price","bought"'),
        names=_BOUGHT,
    ),
    Form(
        "R, write.table",
        _lines(lambda i: f'"{i + 1}" "{_city(i)} B" {i % 7}.5 {i % 2}', '"city" "price" "bought"'),
        separator=" ",
        names=_BOUGHT,
    ),
    Form(
        "R, write.table with tabs",
        _lines(lambda i: f"{i + 1}\t{_city(i)}\t{i % 7}.5\tNA", "city\tprice\tbought"),
        separator="\t",
        names=_BOUGHT,
    ),
    Form(
        "R, write.csv2",
        _lines(lambda i: f'"{_city(i)}";{i % 7},5;{i % 2}', '"city";"price";"bought"'),
        separator=";",
        names=_BOUGHT,
    ),
    Form(
        "SAS, aligned columns",
        _lines(lambda i: f"{_city(i):>8}   {i % 7}.5    {i % 2}  ", "    city  price bought"),
        separator=" ",
        names=_BOUGHT,
    ),
    Form(
        "NumPy, savetxt",
        _lines(lambda i: f"{i % 2:.18e} {i / 7:.18e} {i / 9:.18e}"),
        separator=" ",
        header=False,
        names=_positions(3),
    ),
    Form(
        "NumPy, savetxt with a header",
        _lines(lambda i: f"{i % 2:.6e},{i / 7:.6e}", "# bought,price"),
        names=("bought", "price"),
    ),
    # -- spreadsheets ------------------------------------------------------------------------------
    Form(
        "Excel, CSV UTF-8",
        b"\xef\xbb\xbf" + _lines(_SAMPLES[1], _SAMPLES[0], end="\r\n").encode(),
        names=_BOUGHT,
    ),
    Form(
        "Excel, semicolons and decimal commas",
        b"\xef\xbb\xbf"
        + _lines(
            lambda i: f"{_city(i)};{i % 7},5;{i % 2}", "city;price;bought", end="\r\n"
        ).encode(),
        separator=";",
        names=_BOUGHT,
    ),
    Form(
        "Excel, Unicode text",
        _lines(
            lambda i: f"{_city(i)}\t{i % 7}\t{i % 2}", "city\tprice\tbought", end="\r\n"
        ).encode("utf-16"),
        separator="\t",
        names=_BOUGHT,
    ),
    Form(
        "Excel for Mac, carriage returns", _lines(_SAMPLES[1], _SAMPLES[0], end="\r"), names=_BOUGHT
    ),
    Form(
        "LibreOffice, cells with separators, quotes and line ends",
        _lines(lambda i: f'"{_city(i)}, ""the"" city\n2nd line: x",{i % 7},{i % 2}', _SAMPLES[0]),
        names=_BOUGHT,
    ),
    Form(
        "a sheet with a separator behind every row",
        _lines(lambda i: f"{_city(i)},{i % 7},{i % 2},", _SAMPLES[0] + ","),
        names=_BOUGHT,
    ),
    Form(
        "a separator behind every row but the header",
        _lines(lambda i: f"{_city(i)},{i % 7},{i % 2},", _SAMPLES[0]),
        names=_BOUGHT,
    ),
    Form(
        "a space behind every comma",
        _lines(lambda i: f"{_city(i)}, {i % 7}, {i % 2}", "city, price, bought"),
        names=_BOUGHT,
    ),
    # -- databases -------------------------------------------------------------------------------
    Form(
        "MySQL, SELECT in batch mode",
        _lines(lambda i: f"{_city(i)}\tNULL\t{i % 2}", "city\tprice\tbought"),
        separator="\t",
        names=_BOUGHT,
    ),
    Form(
        "MySQL, INTO OUTFILE",
        _lines(lambda i: f"{_city(i)}\t\\N\t{i % 2}"),
        separator="\t",
        header=False,
        names=_positions(3),
    ),
    Form(
        "MySQL, INTO OUTFILE, enclosed and escaped",
        _lines(lambda i: f'"{_city(i)} \\"old\\", town","{i}","{i % 2}"'),
        header=False,
        names=_positions(3),
    ),
    Form(
        "Hive, text file",
        _lines(lambda i: f"{_city(i)}\x01\\N\x01{i % 2}"),
        separator="\x01",
        header=False,
        names=_positions(3),
    ),
    Form(
        "BigQuery, export",
        _lines(
            lambda i: f"2024-01-{i % 28 + 1:02d} 12:00:{i:02d}.5 UTC,{_city(i)},{i % 2}",
            "event_timestamp,city,bought",
        ),
        names=("event_timestamp", "city", "bought"),
    ),
    Form(
        "PostgreSQL, COPY",
        _lines(lambda i: f'{i}\t5" {_city(i)}\t\\N\t{"tf"[i % 2]}'),
        separator="\t",
        header=False,
        names=_positions(4),
    ),
    Form(
        "PostgreSQL, COPY in CSV with a header",
        _lines(lambda i: f'{i},"{{{i},2}}",,{"tf"[i % 2]}', "id,tags,price,bought"),
        names=("id", "tags", "price", "bought"),
    ),
    Form(
        "SQLite, .mode list",
        _lines(lambda i: f"{_city(i)}|{i % 7}|{i % 2}", "city|price|bought"),
        separator="|",
        names=_BOUGHT,
    ),
    # -- logs -------------------------------------------------------------------------------------
    Form(
        "an access log of clocks, URLs and keys",
        _lines(
            lambda i: f"12:{i:02d}:00,http://a.b/{i % 5}?q=1:2,user:{i % 9},{i % 2}",
            "time,url,key,clicked",
        ),
        names=("time", "url", "key", "clicked"),
    ),
    Form(
        "clocks without a header",
        _lines(lambda i: f"{i % 2}\t12:{i:02d}"),
        separator="\t",
        header=False,
        names=_positions(2),
    ),
    Form(
        "cells of JSON",
        _lines(lambda i: f'{i % 2},"{{""a"": {i}, ""b"": [1, 2]}}"', "clicked,context"),
        names=("clicked", "context"),
    ),
    Form(
        "a header and comments above",
        "% made by hand\n% 2024\n" + _lines(_SAMPLES[1], _SAMPLES[0]),
        names=_BOUGHT,
    ),
    Form(
        "files joined by cat, each with its header",
        _lines(_SAMPLES[1], _SAMPLES[0]) * 2,
        names=_BOUGHT,
        rows=2 * N,
    ),
    # -- well-known sets ---------------------------------------------------------------------------
    Form(
        "Criteo, train.txt",
        _lines(lambda i: _CRITEO.format(y=i % 2, i=i, h=i % 7)),
        separator="\t",
        header=False,
        names=_positions(40),
    ),
    Form(
        "Avazu, train.csv",
        _lines(_AVAZU[1], _AVAZU[0]),
        names=tuple(_AVAZU[0].split(",")),
    ),
    Form(
        "Kaggle, train.csv",
        _lines(lambda i: f"{i},{_city(i)},{i % 3},{i % 2}", "id,cat1,cont1,target"),
        names=("id", "cat1", "cont1", "target"),
    ),
    Form(
        "MovieLens 100k, u.data",
        _lines(_rating(_ML100K)),
        separator="\t",
        header=False,
        names=_positions(4),
    ),
    Form(
        "MovieLens 1M, ratings.dat",
        _lines(_rating("{u}::{m}::{r}::{t}")),
        separator="::",
        header=False,
        names=_positions(4),
    ),
    Form(
        "MovieLens 1M, movies.dat",
        _lines(lambda i: f"{i + 1}::Up: {_city(i)} ({1990 + i})::Comedy|Drama"),
        separator="::",
        header=False,
        names=_positions(3),
    ),
    Form(
        "MovieLens 20M, ratings.csv",
        _lines(_rating("{u},{m},{r}.5,{t}"), "userId,movieId,rating,timestamp"),
        names=("userId", "movieId", "rating", "timestamp"),
    ),
    Form(
        "Last.fm 2k, user_artists.dat",
        _lines(_rating("{u}\t{m}\t{t}"), "userID\tartistID\tweight"),
        separator="\t",
        names=("userID", "artistID", "weight"),
    ),
    Form(
        "UCI, adult.data",
        _lines(lambda i: _ADULT.format(age=20 + i, income="<=50K" if i % 3 else ">50K")),
        header=False,
        names=_positions(8),
    ),
    Form(
        "UCI, auto-mpg.data",
        _lines(
            lambda i: f'{10 + i}.0   8   {300 + i}.0      {"?" if i % 9 == 4 else 130}.   '
            f'3504.      12.0   70  1\t"ford {_city(i)}"'
        ),
        separator=" ",
        header=False,
        names=_positions(9),
    ),
    Form(
        "UCI, winequality-red.csv",
        _lines(
            lambda i: f"7.{i % 9};0.{i % 8};{3 + i % 6}",
            '"fixed acidity";"volatile acidity";"quality"',
        ),
        separator=";",
        names=("fixed acidity", "volatile acidity", "quality"),
    ),
    Form(
        "UCI, car.data: words only",
        _lines(lambda i: f"{['low', 'high'][i % 2]},{['big', 'small'][i % 3 % 2]},acc"),
        header=False,
        names=_positions(3),
    ),
    Form(
        "years as names",
        _lines(lambda i: f"{_city(i)},{i}.5,{i / 7:.2f},{i / 9:.2f}", "country,2001,2002,2003"),
        names=("country", "2001", "2002", "2003"),
    ),
    # -- numbered features ------------------------------------------------------------------------
    Form(
        "libsvm", _lines(lambda i: f"{i % 2} 1:0.5 {i + 2}:1"), "libsvm", None, False
    ),
    Form(
        "libsvm, +1 and -1, dense",
        _lines(lambda i: f"{'+-'[i % 2]}1 1:{i / 9:.3f} 2:-0.25 3:1e-3 "),
        "libsvm",
        None,
        False,
    ),
    Form(
        "libsvm, lines without features",
        _lines(lambda i: "1" if i % 3 else f"0 {i}:1"),
        "libsvm",
        None,
        False,
    ),
    Form(
        "SVMrank, with qid and comments",
        _lines(lambda i: f"{i % 3} qid:{i // 5} 1:0.5 2:1 # document {i}"),
        "libsvm",
        None,
        False,
    ),
    Form(
        "libffm", _lines(lambda i: f"{i % 2} 0:{i}:1 1:{i + 50}:0.5"), "libffm", None, False
    ),
    Form(
        "libffm, hashed ids and tabs",
        _lines(lambda i: f"{i % 2}\t0:{i * 7919 + 100_000}:1\t1:{999_983 - i}:1"),
        "libffm",
        None,
        False,
    ),
]  # fmt: skip
