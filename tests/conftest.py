"""What all tests share."""

import os
import tempfile
from pathlib import Path


def pytest_configure(config):
    """Exercises that tests solve are not the learner's: their progress goes to a place of its own."""
    os.environ["TINYGRAD_CNN_PROGRESS"] = str(Path(tempfile.mkdtemp()) / "progress.json")
