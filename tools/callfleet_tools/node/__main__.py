"""``python -m callfleet_tools.node up|down|status``."""

from callfleet_tools.node.command import main

main()
