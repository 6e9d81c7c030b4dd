"""The fleet: how many workers there are, which may go, and what becomes of a new revision."""
