"""What goes wrong in one call of a worker, and what the others feel of it."""
