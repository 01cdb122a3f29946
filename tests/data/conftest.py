"""A dataset small enough to write in a test, and registered only there."""

import hashlib
from pathlib import Path

import numpy as np
import pooch
import pytest

from tinygrad_cnn.data import catalog, write_idx
from tinygrad_cnn.data.catalog import CATALOG, Entry

TINY = {
    catalog.TRAIN_IMAGES: np.arange(5 * 28 * 28, dtype=np.uint64).astype(np.uint8).reshape(5, 28, 28),
    catalog.TRAIN_LABELS: np.array([0, 1, 1, 0, 1], np.uint8),
    catalog.TEST_IMAGES: np.full((2, 28, 28), 7, np.uint8),
    catalog.TEST_LABELS: np.array([1, 0], np.uint8),
}


@pytest.fixture(autouse=True)
def _no_folders_of_this_machine(monkeypatch, tmp_path):
    """Tests see neither the user's data folder nor the cache."""
    monkeypatch.delenv("TINYGRAD_CNN_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: str(tmp_path / "cache" / project))


@pytest.fixture
def write_tiny():
    """Write the four files of the dataset "tiny" into a folder."""

    def write(folder: Path, suffix: str = ".gz") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in TINY.items():
            write_idx(folder / f"{name}{suffix}", array)
        return folder

    return write


@pytest.fixture
def register_tiny(monkeypatch, write_tiny, tmp_path):
    """Make `load("tiny")` known, with the given mirrors."""
    original = write_tiny(tmp_path / "original", suffix="")

    def register(*mirrors: str, folder: Path | None = None) -> None:
        entry = Entry(
            sha256={name: hashlib.sha256((original / name).read_bytes()).hexdigest() for name in TINY},
            classes=("zero", "one"),
            mean=(0.5,),
            std=(0.25,),
            license="none",
            source="this test",
            mirrors=mirrors,
            folder=folder,
            offline="ask a friend for it",
        )
        monkeypatch.setitem(CATALOG, "tiny", entry)

    return register
