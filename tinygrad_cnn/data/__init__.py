"""Images to learn from: datasets, the loader that deals them out, and what happens to them on the way.

    from tinygrad_cnn import data

    mini = data.load("fashion-mini")                      # 6,000 + 1,000 images, inside the package
    loader = data.DataLoader(mini.train, batch_size=64, shuffle=True, transform=mini.standardize)
    for x, y in loader:                                   # Tensors (64, 1, 28, 28) and (64,)
        ...

This room works on NumPy arrays on the host; the loader turns each batch into Tensors of the current backend.

- `datasets.py`: `load`, `names`, `Dataset`, and `ArrayDataset` for arrays of your own
- `loader.py`: `DataLoader`, whose order is a function of seed and epoch
- `transforms.py`: scaling, standardizing, augmentation, on whole batches
- `idx.py`: the file format of MNIST, read with suspicion
- `catalog.py`, `download.py`: which datasets there are, and fetching them
"""

from tinygrad_cnn.data.datasets import ArrayDataset, Dataset, load, names
from tinygrad_cnn.data.idx import read_idx, read_labelled_images, write_idx
from tinygrad_cnn.data.loader import DataLoader
from tinygrad_cnn.data.transforms import (
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    ToFloat,
    Transform,
)

__all__ = [
    "ArrayDataset",
    "Compose",
    "DataLoader",
    "Dataset",
    "Normalize",
    "RandomCrop",
    "RandomHorizontalFlip",
    "ToFloat",
    "Transform",
    "load",
    "names",
    "read_idx",
    "read_labelled_images",
    "write_idx",
]
