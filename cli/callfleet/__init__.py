"""One command, ``callfleet``, with a verb for each thing that it does."""
