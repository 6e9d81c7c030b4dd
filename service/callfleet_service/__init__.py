"""What a worker and an operator do alike as programs: settings, a port, log lines, metrics."""
