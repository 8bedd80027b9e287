"""Free text: columns that people write into, whose words recur although whole cells do not.

Taken for categories, such a column gives nearly every row a value of its own, from which nothing
can be learned. Cut into words, reviews and tweets predict, and so do names ("Mr.", "Miss.") and
addresses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray
from fieldfare.schema.column import Column
from fieldfare.schema.column_names import names_things, role_of
from fieldfare.schema.whole_numbers import Judgement
from fieldfare.sources.arrow import numpy_of

# At least so many cells, more than this share of which hold a text that no other cell holds, and
# so many words in a cell on average; more where the name says that values name something, since
# titles have several words, too.
FEWEST_CELLS = 100
_UNIQUE_SHARE = 0.5
_MEAN_WORDS, _MEAN_WORDS_OF_NAMES = 3.0, 10.0


def judge_texts(name: str, texts: Any, counts: AnyArray) -> Judgement | None:
    """Return that a column holds free text, ``None`` if its texts are categories.

    Parameters
    ----------
    name : str
        Name of the column.
    texts : Arrow array of strings
        The different texts, none missing.
    counts : int array
        How many cells hold each.
    """
    n_cells = int(counts.sum())
    unique = int(np.count_nonzero(counts == 1))
    if n_cells < FEWEST_CELLS or unique <= _UNIQUE_SHARE * n_cells:
        return None
    pc = require("pyarrow.compute", "tables")
    words = numpy_of(pc.count_substring_regex(texts, r"\S+"))
    mean = float(words @ counts) / n_cells
    if mean < (_MEAN_WORDS_OF_NAMES if names_things(name) else _MEAN_WORDS):
        return None
    return Judgement(
        Column(name, "text", role=role_of(name)),
        "texts of several words, most of which occur once",
        f"Column {name!r} holds texts of {mean:.0f} words on average, most of which occur once: "
        f"cut into words. If they are categories, say categorical=[{name!r}].",
    )
