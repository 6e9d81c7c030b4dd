"""``python dashboards/drawing URL OUT [--minutes 30]``: draw every board from a Prometheus."""

import sys

from callfleet_drawing.command import main

sys.exit(main(sys.argv[1:]))
