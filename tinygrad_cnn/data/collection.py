"""The well-known collections of images, found on this machine or fetched.

`load("fashion-mini")` works everywhere: its 7,000 images ship inside the package. The full `fashion-mnist`
and `mnist` are looked for in this order, and downloaded when they are nowhere:

1. the folder given as `root`,
2. the folder named by the environment variable `TINYGRAD_CNN_DATA`,
3. the folder of an installed system package (Debian's `dataset-fashion-mnist`),
4. the user's cache folder, where downloads go.

In 1 and 2 the four files lie in a subfolder named after the dataset, or in the folder itself; compressed or
not. Wherever they come from, their SHA-256 is checked each time, so every run sees the same pixels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinygrad_cnn.data import catalog
from tinygrad_cnn.data.arrays import ArrayDataset
from tinygrad_cnn.data.catalog import CATALOG, Entry
from tinygrad_cnn.data.idx import read_labelled_images
from tinygrad_cnn.data.transforms import Compose, Normalize, ToFloat
from tinygrad_cnn.errors import DownloadError, UnknownName


@dataclass(frozen=True)
class ImageCollection:
    """A named collection of images: those to learn from, those to be tested on, and what is known of them.

    Attributes:
        name: the name it was loaded by.
        train: images (N, 1, 28, 28) uint8 and labels (N,) int64, to learn from.
        test: the same, never to be learned from.
        classes: the name of each label; `classes[label]` is what the image shows.
        mean: mean of the training pixels on a scale of 0 to 1, per channel.
        std: standard deviation of the same.
        license: the terms of use.
        source: who made it and where to read about it.

    >>> import tinygrad_cnn as tc
    >>> mini = tc.data.load("fashion-mini")
    >>> len(mini.train), len(mini.test), mini.shape
    (6000, 1000, (1, 28, 28))
    """

    name: str
    train: ArrayDataset
    test: ArrayDataset
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    license: str
    source: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image: (channels, height, width)."""
        return self.train.images.shape[1:]

    @property
    def standardize(self) -> Compose:
        """The transform that turns uint8 images into float32 of mean 0 and variance 1.

        The statistics are the training images' for both splits: a test image must be seen exactly as the
        network learned to see.
        """
        return Compose([ToFloat(), Normalize(self.mean, self.std)])


def names() -> tuple[str, ...]:
    """The names that `load` knows.

    >>> from tinygrad_cnn import data
    >>> data.names()
    ('fashion-mini', 'fashion-mnist', 'mnist')
    """
    return tuple(CATALOG)


def load(name: str, *, root: str | os.PathLike[str] | None = None, download: bool = True) -> ImageCollection:
    """Load a dataset by name; the order in which places are searched stands at the top of this module.

    Args:
        name: one of `names()`.
        root: a folder of your own to search first and to download into. (`fashion-mini` is always read from
            the package.)
        download: whether to fetch a dataset that is not on this machine.

    Raises:
        UnknownName: there is no dataset of this name.
        FileFormatError: a file was found, but is damaged or not the right one.
        DownloadError: the dataset is not on this machine, and no mirror could be reached or none was asked.

    Example:
        >>> from tinygrad_cnn import data
        >>> mini = data.load("fashion-mini")
        >>> mini.train
        ArrayDataset(6000 x (1, 28, 28) uint8, labels int64)
        >>> mini.classes[mini.train.labels[0]]
        'Ankle boot'
    """
    if name not in CATALOG:
        raise UnknownName.among(name, CATALOG, kind="dataset", argument="name")
    entry = CATALOG[name]
    folder = _find(name, entry, None if root is None else Path(root), download)

    def read(images: str, labels: str) -> ArrayDataset:
        return ArrayDataset(
            *read_labelled_images(
                _file(folder, images),
                _file(folder, labels),
                images_sha256=entry.sha256[images],
                labels_sha256=entry.sha256[labels],
            )
        )

    return ImageCollection(
        name=name,
        train=read(catalog.TRAIN_IMAGES, catalog.TRAIN_LABELS),
        test=read(catalog.TEST_IMAGES, catalog.TEST_LABELS),
        classes=entry.classes,
        mean=entry.mean,
        std=entry.std,
        license=entry.license,
        source=entry.source,
    )


def _find(name: str, entry: Entry, root: Path | None, download: bool) -> Path:
    """The folder that holds the dataset's files, filled from a mirror if there was none."""
    searched = []
    for folder in _folders(name, entry, root):
        if all(_file(folder, file).exists() for file in entry.sha256):
            return folder
        searched.append(folder)

    target = searched[-1] if root is None else searched[0]
    ways = [entry.offline, f"put {', '.join(f'{file}.gz' for file in entry.sha256)} into {target}"]
    hint = "; or ".join(way for way in [*ways, "load('fashion-mini'), which needs no download"] if way)
    if not download:
        raise DownloadError(
            f"the dataset {name!r} is not on this machine, and download is False",
            argument="download",
            expected=f"its files in one of {', '.join(map(str, searched))}",
            hint=hint,
        )

    from tinygrad_cnn.data.download import download_idx  # here, to keep `import tinygrad_cnn` quick

    for file, sha256 in entry.sha256.items():
        if not _file(target, file).exists():
            download_idx(target / f"{file}.gz", entry.mirrors, sha256=sha256, hint=hint)
    return target


def _folders(name: str, entry: Entry, root: Path | None) -> Iterator[Path]:
    """Where the dataset may be, the most explicit place first, the cache last."""
    # One without mirrors ships inside the package; files of the same names elsewhere are another dataset's.
    if entry.mirrors:
        variable = os.environ.get("TINYGRAD_CNN_DATA")
        for base in (root, Path(variable) if variable else None):
            if base is not None:
                yield base / name
                yield base
    if entry.folder is not None:
        yield entry.folder
    if entry.mirrors:
        import pooch  # here, because most runs find their data before they get this far

        yield Path(pooch.os_cache("tinygrad_cnn")) / name


def _file(folder: Path, name: str) -> Path:
    """The file of this name, unpacked or, as distributed, with `.gz` at the end."""
    unpacked = folder / name
    return unpacked if unpacked.exists() else folder / f"{name}.gz"
