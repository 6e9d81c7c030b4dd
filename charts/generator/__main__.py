"""``python charts/generator [--check]``: write what is generated in the charts, or judge it."""

import sys

from callfleet_charts.writing import main

sys.exit(main(sys.argv[1:]))
