"""``python dashboards/generator [--check]``: write what the catalogue says, or judge it."""

import sys

from callfleet_dashboards.writing import main

sys.exit(main(sys.argv[1:]))
