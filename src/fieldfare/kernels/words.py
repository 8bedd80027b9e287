"""Words: a hash table from the texts of a vocabulary to their positions."""

from __future__ import annotations

import numpy as np

from fieldfare import _core
from fieldfare._typing import AnyArray, Int64Array


class Words:
    """A table of distinct texts, for looking up their positions.

    Texts are consecutive bytes, as in an Arrow array: text ``i`` is
    ``blob[offsets[i] : offsets[i + 1]]``.

    Parameters
    ----------
    blob : uint8 array
    offsets : int64 array of shape (n_words + 1,)
        Neither array is copied, and they must not change.

    Raises
    ------
    ValueError
        If offsets decrease or point outside the blob.
    """

    def __init__(self, blob: AnyArray, offsets: Int64Array) -> None:
        self._table = _core.Words(blob, offsets)

    def find(self, blob: AnyArray, offsets: AnyArray) -> Int64Array:
        """Return the position of each text, -1 where it is unknown; releases the GIL.

        Parameters
        ----------
        blob : uint8 array
        offsets : int32 or int64 array of shape (n_texts + 1,)

        Raises
        ------
        ValueError
            If offsets decrease or point outside the blob.
        """
        found: Int64Array = np.empty(max(len(offsets) - 1, 0), np.int64)
        self._table.find(blob, offsets, found)
        return found
