"""``callfleet fleet``: see fleets, and say what is wanted of pods and rollouts, from a terminal.

What is wanted is written on the objects, where the operator reads it: nothing here reaches a
worker, and nothing is lost while no operator runs.
"""
