"""The dashboard as a service: health, counters, log lines, and an end in good order."""
