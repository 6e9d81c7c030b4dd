"""What the operator reads from the cluster and writes to it, as values. No clock, no network."""
