"""What all tests share."""

import os
import tempfile
from pathlib import Path


def pytest_configure(config):
    """Exercises that tests solve are not the learner's: their progress goes to a place of its own."""
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    os.environ["TINYGRAD_CNN_PROGRESS"] = str(Path(folder.name) / "progress.json")
