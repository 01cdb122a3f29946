"""What is known of each dataset: its files and their checksums, its classes, where to get it.

Only facts stand here; `collection.py` acts on them. To add a dataset of IDX files, add an `Entry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# The names every dataset in MNIST's format uses, so each needs a folder of its own.
TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class Entry:
    """One dataset.

    Attributes:
        sha256: by file name, the SHA-256 of the *unpacked* file. Compressed files differ from one distributor
            to the next (Debian packs Fashion-MNIST again); the images inside do not.
        classes: the name of each label, in order.
        mean: mean of the training pixels on a scale of 0 to 1, per channel.
        std: their standard deviation. Both to six digits, as printed by
            `pixels = load(name).train.images / 255; print(pixels.mean(), pixels.std())`.
        license: the terms of use.
        source: who made it and where to read about it.
        mirrors: addresses of folders that hold the gzip files; empty for a dataset inside this package.
        folder: where an installed package puts the files, if one does.
        offline: how to get it on a machine that the mirrors cannot be reached from.
    """

    sha256: dict[str, str]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    license: str
    source: str
    mirrors: tuple[str, ...] = ()
    folder: Path | None = None
    offline: str | None = None


_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_FASHION_SOURCE = (
    "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST (2017), https://github.com/zalandoresearch/fashion-mnist"
)

CATALOG = {
    # Made by scripts/make_fashion_mini.py: the first 6,000 and the first 1,000 images of fashion-mnist.
    "fashion-mini": Entry(
        sha256={
            TRAIN_IMAGES: "6dded81672539b5d148c1a85358069d1808c316dc6f6c0abfd12ba3ced5dd394",
            TRAIN_LABELS: "d7c464914ae4b919728c5c99c3cdde5a0259febf1e99ddc6927a15768731d7dc",
            TEST_IMAGES: "7a6d8e07ea021ec5bc73135ebd0a5770799557ec6f8242d8749c4f32a3cf4643",
            TEST_LABELS: "b40abac7ec8228f434940f579deb7cf7b6e3103b5274cb91d1545771f5ef1c8b",
        },
        classes=_CLOTHES,
        mean=(0.285673,),
        std=(0.353686,),
        license="MIT, Copyright (c) 2017 Zalando SE",
        source=_FASHION_SOURCE,
        folder=Path(__file__).parent / "fashion_mini",
    ),
    "fashion-mnist": Entry(
        sha256={
            TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        classes=_CLOTHES,
        mean=(0.286041,),
        std=(0.353024,),
        license="MIT, Copyright (c) 2017 Zalando SE",
        source=_FASHION_SOURCE,
        mirrors=(
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ),
        folder=Path("/usr/share/datasets/fashion-mnist"),
        offline="apt-get install dataset-fashion-mnist (Debian, Ubuntu)",
    ),
    "mnist": Entry(
        sha256={
            TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        classes=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
        mean=(0.13066,),
        std=(0.308108,),
        license="CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
        source="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-Based Learning Applied to Document "
        "Recognition (1998), http://yann.lecun.com/exdb/mnist",
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
    ),
}
