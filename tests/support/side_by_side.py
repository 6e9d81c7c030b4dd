"""Where tests run side by side in several processes: what each of them has for itself."""

import os
import re

MOST = 8
"""So many processes have a share each of what all of them would else draw from."""


def share(of_all: range) -> range:
    """Give this process its share, of which no other has a part; all of it where it is alone."""
    named = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    if named is None:
        return of_all
    mine, size = int(named[1]) % MOST, len(of_all) // MOST
    return of_all[mine * size : (mine + 1) * size]
