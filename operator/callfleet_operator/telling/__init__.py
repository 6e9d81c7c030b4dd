"""Say what is done and why: log lines, Events on the objects, metrics, health."""
