"""Make the files of `fashion-mini`: the first 6,000 training and 1,000 test images of Fashion-MNIST.

    python scripts/make_fashion_mini.py tinygrad_cnn/data/fashion_mini

Prints what `tinygrad_cnn/data/catalog.py` says of them: the SHA-256 of each unpacked file, and mean and
standard deviation of the training pixels.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

from tinygrad_cnn import data
from tinygrad_cnn.data import catalog

TRAIN, TEST = 6_000, 1_000


def main(folder: Path) -> None:
    """Write the four files into the folder."""
    full = data.load("fashion-mnist")
    train, test = full.train[:TRAIN], full.test[:TEST]
    arrays = {
        catalog.TRAIN_IMAGES: train.images[:, 0],
        catalog.TRAIN_LABELS: train.labels.astype(np.uint8),
        catalog.TEST_IMAGES: test.images[:, 0],
        catalog.TEST_LABELS: test.labels.astype(np.uint8),
    }
    for name, array in arrays.items():
        path = folder / f"{name}.gz"
        data.write_idx(path, array)
        unpacked = gzip.decompress(path.read_bytes())
        print(f"{name}: {path.stat().st_size:,} bytes, sha256 {hashlib.sha256(unpacked).hexdigest()}")
    pixels = train.images / 255
    print(f"mean {pixels.mean()}, std {pixels.std()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
