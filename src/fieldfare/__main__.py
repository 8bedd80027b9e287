"""``python -m fieldfare`` is the command ``fieldfare``."""

import sys

from fieldfare.cli import main

sys.exit(main())
