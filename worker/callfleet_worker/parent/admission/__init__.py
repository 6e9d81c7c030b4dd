"""The port on which the operator learns how full this worker is, and cordons it."""
