"""``python -m callfleet_tools build|path|list``."""

from callfleet_tools.command import main

main()
