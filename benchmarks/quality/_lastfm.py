"""Last.fm as tables for recall: who played whom, and what is known of artists and listeners."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fieldfare.data.split import split_rows
from fieldfare.retrieval import Trial
from fieldfare.retrieval.evaluation import Scores
from fieldfare.schema.schema import Column

TEST, VALIDATION = 0.2, 0.1
TAGS_OF_AN_ARTIST = 10
# A list counts the same however long it is.
COLUMNS = {
    "user": Column("user", role="user"),
    "played": Column("played", "multi", role="user", norm="l2"),
    "given": Column("given", "multi", role="user", norm="l2"),
    "artist": Column("artist", role="item"),
    "tags": Column("tags", "multi", role="item", norm="l2"),
}


class Plays(NamedTuple):
    """Training and held-out plays, and the tables of artists and listeners from training alone."""

    train: pd.DataFrame
    held: pd.DataFrame
    artists: pd.DataFrame
    listeners: pd.DataFrame


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the plays (user, artist) and the posts (user, artist, tag)."""
    plays, posts = (
        pd.read_csv(folder / name, sep="\t", dtype=str)
        for name in ("user_artists.dat.gz", "user_taggedartists.dat.gz")
    )
    names = {"userID": "user", "artistID": "artist", "tagID": "tag"}
    plays, posts = plays.rename(columns=names), posts.rename(columns=names)
    return plays[["user", "artist"]], posts[["user", "artist", "tag"]].drop_duplicates()


def divide(plays: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold out a share of the artists of each listener at random: the plays have no times."""
    kept, held = split_rows(len(plays), share, seed, stratify=plays["user"].to_numpy())
    return plays.iloc[kept], plays.iloc[held]


def tables(everything: pd.DataFrame, posts: pd.DataFrame, halves: Any) -> Plays:
    """Return the tables of one division; posts on plays outside training are hidden."""
    train, held = halves
    hidden = pd.MultiIndex.from_frame(everything.drop(train.index))
    known = posts[~pd.MultiIndex.from_frame(posts[["user", "artist"]]).isin(hidden)]
    counts = known.groupby(["artist", "tag"]).size().rename("n").reset_index()
    counts = counts.sort_values(["artist", "n", "tag"], ascending=[True, False, True])
    tags = counts.groupby("artist").head(TAGS_OF_AN_ARTIST).groupby("artist")["tag"].agg(list)
    given = known.drop_duplicates(["user", "tag"]).groupby("user")["tag"].agg(list)
    played = train.groupby("user")["artist"].agg(list)
    artists = pd.DataFrame({"artist": sorted(everything["artist"].unique())})
    listeners = pd.DataFrame({"user": sorted(everything["user"].unique())})
    return Plays(
        train,
        held,
        artists.assign(tags=artists["artist"].map(tags)),
        listeners.assign(played=listeners["user"].map(played), given=listeners["user"].map(given)),
    )


def channels(trial: Trial, artists: pd.DataFrame) -> dict[str, Scores]:
    """Return channels as they are commonly built, each from one sort of data.

    ``neighbours`` are played by the same listeners (cosine with shrinkage, 100 per artist);
    ``tags`` are those most like the tags of what a listener has played (TF-IDF), times the
    logarithm of the number of listeners, without which it was worse; ``popularity``.
    """
    from scipy import sparse

    seen, n = trial.train, trial.n_items
    ones = np.ones(len(seen.index), np.float32)
    played = sparse.csr_matrix((ones, seen.index.astype(np.int64), seen.indptr), (seen.n_rows, n))
    counts = trial.counts.astype(np.float32)
    near = _neighbours(played, counts)
    tags = _tag_vectors(trial, artists)
    likes = _unit(played @ tags)
    return {
        "neighbours": lambda users: (played[users] @ near).toarray(),
        "tags": lambda users: (likes[users] @ tags.T).toarray() * np.log1p(counts),
        "popularity": lambda users: np.broadcast_to(counts, (len(users), n)),
    }


def _neighbours(played: Any, counts: Any, n_neighbors: int = 100, shrinkage: float = 10.0) -> Any:
    """Return the similarities of `fieldfare.retrieval.baselines.item_knn`, sparse."""
    together = (played.T @ played).tocoo()
    norm = np.sqrt(counts)
    together.data /= norm[together.row] * norm[together.col] + shrinkage
    together.data[together.row == together.col] = 0
    near = together.tocsc()
    for start, end in zip(near.indptr[:-1], near.indptr[1:], strict=True):
        own = near.data[start:end]
        if len(own) > n_neighbors:
            own[own < np.partition(own, len(own) - n_neighbors)[len(own) - n_neighbors]] = 0
    near.eliminate_zeros()
    return near


def _tag_vectors(trial: Trial, artists: pd.DataFrame) -> Any:
    """Return the tags of each artist as a sparse vector of length one, rare tags counting more."""
    from scipy import sparse

    places = pd.Index(trial.items.to_pylist())
    pairs = artists[["artist", "tags"]].explode("tags").dropna()
    pairs = pairs[pairs["artist"].isin(places)]
    tag, names = pd.factorize(pairs["tags"])
    ones = np.ones(len(pairs), np.float32)
    rows = places.get_indexer(pairs["artist"])
    found = sparse.csr_matrix((ones, (rows, tag)), (len(places), len(names)))
    rarity = np.log(len(places) / np.maximum(np.bincount(tag, minlength=len(names)), 1))
    return _unit(found @ sparse.diags(rarity.astype(np.float32)))


def _unit(vectors: Any) -> Any:
    from scipy import sparse

    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    return sparse.diags(1 / np.maximum(lengths, 1e-9)) @ vectors
