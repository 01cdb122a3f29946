"""A backend that cannot run here: what it computes on is not installed."""

raise ImportError("the driver of the sample device is not installed")
