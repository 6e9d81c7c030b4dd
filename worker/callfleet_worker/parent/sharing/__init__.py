"""Several calls in one process: seats that the framework takes for executors of a job each.

The framework dispatches, drains and ends calls as ever; what it starts as a thread is a seat in a
process that other calls share. What it overrides of theirs is listed in ``upstream``.
"""
