"""How many examples the tests of properties try: more of them every night."""

from __future__ import annotations

import os

from hypothesis import settings

FACTOR = int(os.environ.get("FIELDFARE_EXAMPLES", "1"))


def examples(n: int) -> settings:
    """Try n examples, or FIELDFARE_EXAMPLES times as many, however long one takes."""
    return settings(max_examples=n * FACTOR, deadline=None)
