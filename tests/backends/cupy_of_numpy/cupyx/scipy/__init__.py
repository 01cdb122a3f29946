"""What of `cupyx.scipy` the backend uses."""
