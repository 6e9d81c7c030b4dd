"""Several calls in one process: seats that the framework takes for executors of a job each.

The framework dispatches, drains and ends calls as ever; what it starts as a thread is a seat in a
process that other calls share. Private names of the framework stay in this package.
"""
