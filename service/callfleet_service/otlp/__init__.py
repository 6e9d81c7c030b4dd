"""Send traces, metrics and log lines to an OpenTelemetry collector, and count what is lost."""
