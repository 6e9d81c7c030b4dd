"""Agents that come with callfleet, as examples to start from."""
