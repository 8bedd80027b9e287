"""What the name of a column suggests: a role, a thing that its values name, or a measure."""

from __future__ import annotations

import re

from fieldfare.sources.headers import words_of

_ENTITIES = {
    "user": ("user", "uid", "customer", "visitor", "member", "viewer", "reader", "client"),
    "item": ("item", "movie", "product", "article", "ad", "song", "track", "artist", "book",
             "video", "app", "sku", "song", "document"),
}  # fmt: skip
_ROLE_OF = {word: role for role, words in _ENTITIES.items() for word in words}
_IDENTIFIERS = frozenset((
    "id", "ids", "key", "keys", "uid", "guid", "uuid", "hash", "token", "cookie", "imei", "isbn",
    "ean", "sku", "barcode", "pin",
))  # fmt: skip
_CODES = frozenset((
    "branch", "brand", "categories", "category", "city", "class", "code", "codes", "country",
    "county", "department", "device", "district", "fips", "iata", "merchant", "plz", "postcode",
    "region", "segment", "shop", "state", "store", "supplier", "type", "types", "vendor", "zip",
    "zipcode", "zone",
))  # fmt: skip
# What ends as an identifier or a code does, and is none.
_NO_IDENTIFIERS = frozenset((
    "acid", "aid", "bid", "covid", "fluid", "grid", "hybrid", "invalid", "kid", "liquid", "mid",
    "paid", "prepaid", "rapid", "solid", "unpaid", "valid", "void",
))  # fmt: skip
_MEASURES = frozenset((
    "age", "ages", "amnt", "amount", "amounts", "amt", "area", "avg", "balance", "budget",
    "calories", "clicks", "cm", "cnt", "cost", "costs", "count", "counts", "credits", "day", "days",
    "debt", "depth", "discount", "distance", "dividend", "dividends", "duration", "epoch", "fare",
    "fee", "freq", "frequency", "gain", "gains", "height", "hour", "hours", "income", "interest",
    "kg", "km", "lat", "latitude", "length", "likes", "lon", "longitude", "loss", "losses", "max",
    "mean", "median", "miles", "min", "mins", "minute", "minutes", "mm", "month", "months",
    "pages", "pct", "percent", "points", "population", "price", "prices", "profit", "qty",
    "quantity", "rank", "rate", "ratio", "revenue", "salary", "sales", "score", "sec", "second",
    "seconds", "secs", "sf", "size", "speed", "sqft", "sum", "tax", "temp", "temperature", "tenure",
    "time", "times", "timestamp", "total", "ts", "val", "value", "values", "views", "visits",
    "volume", "votes", "wage", "wages", "week", "weeks", "weight", "width", "year", "years",
))  # fmt: skip


_PLACE = re.compile(r"(?:f|x|v|c|col|column|field|var)?[ _]?[0-9]+", re.IGNORECASE)


def role_of(name: str) -> str | None:
    """Return the role that the first word of a name suggests."""
    words = words_of(name)
    return _ROLE_OF.get(words[0].removesuffix("id") or words[0]) if words else None


def names_identifiers(name: str) -> bool:
    """Whether a name says that each thing has a value of its own, as ``order_id`` does."""
    words = words_of(name)
    if not words or words[-1] in _NO_IDENTIFIERS:
        return False
    return words[-1] in _IDENTIFIERS or words[-1].endswith("id")


def is_called_id(name: str) -> bool:
    """Whether a name has the word for an identifier at its end, and not only its letters."""
    return words_of(name)[-1:] in (["id"], ["ids"], ["uid"], ["guid"], ["uuid"])


def names_things(name: str) -> bool:
    """Whether a name says that values name something: identifiers, codes, or an entity."""
    words = words_of(name)
    if not words:
        return False
    is_entity = len(words) == 1 and words[0] in _ROLE_OF
    is_code = words[-1] in _CODES or words[-1].endswith("code")
    return is_entity or is_code or names_identifiers(name)


def names_a_measure(name: str) -> bool:
    """Whether a name says that values measure or count something, as ``price`` does."""
    return not names_things(name) and not _MEASURES.isdisjoint(words_of(name))


def says_nothing(name: str) -> bool:
    """Whether a name is only a place, as those of files without a header: f3, x0, V12, column7."""
    return _PLACE.fullmatch(name) is not None
