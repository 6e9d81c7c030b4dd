"""Boards as pictures: the queries of every panel, asked of a Prometheus, and drawn where it is."""
