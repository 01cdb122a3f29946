"""The sample distribution is installed by a test, not collected; one of its modules raises on purpose."""

collect_ignore = ["sample_backend"]
