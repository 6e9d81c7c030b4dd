"""``python -m callfleet VERB``: the same as ``callfleet VERB``."""

import sys

from callfleet.command import main

sys.exit(main())
