"""Show a verdict: a table on a terminal, JSON for machines, one HTML file for people. Pure text."""
