"""Images to learn from: datasets, the loader that deals them out, and what happens to them on the way.

    from tinygrad_cnn import data

    mini = data.load("fashion-mini")                      # 6,000 + 1,000 images, inside the package
    loader = data.DataLoader(mini.train, batch_size=64, shuffle=True, transform=mini.standardize)
    for x, y in loader:                                   # Tensors (64, 1, 28, 28) and (64,)
        ...

    class Drawings(data.Dataset):                         # or images of your own, made when they are due
        def __len__(self): ...
        def __getitem__(self, index): ...

The names are those of `torch.utils.data`. This room works on NumPy arrays on the host; the loader turns each
batch into Tensors of the current backend.

- `datasets.py`: what a dataset is: `Dataset`, `Subset`, `ConcatDataset`, `random_split`
- `arrays.py`: `ArrayDataset` and `TensorDataset`, which lie in memory
- `collection.py`: `load`, `names`, `ImageCollection`: the well-known ones
- `loader.py`: `DataLoader`, whose order is a function of seed and epoch (`_random.py`)
- `collate.py`: items become a batch
- `transforms.py`: scaling and standardizing, on whole batches; `augmentation.py`: chance
- `resident.py`: data sets that stay where the backend computes; `sketch.py`: batches before they are made
- `points.py`: `two_moons`, points in the plane; `_landscape.py`: `landscape`, a picture to filter
- `idx.py`: the file format of MNIST, read with suspicion
- `catalog.py`, `download.py`: which collections there are, and fetching them
"""

from tinygrad_cnn.data._landscape import landscape
from tinygrad_cnn.data.arrays import ArrayDataset, TensorDataset
from tinygrad_cnn.data.augmentation import Cutout, RandomCrop, RandomHorizontalFlip
from tinygrad_cnn.data.collate import default_collate
from tinygrad_cnn.data.collection import ImageCollection, load, names
from tinygrad_cnn.data.datasets import ConcatDataset, Dataset, Subset, random_split
from tinygrad_cnn.data.idx import read_idx, read_labelled_images, write_idx
from tinygrad_cnn.data.loader import DataLoader
from tinygrad_cnn.data.points import two_moons
from tinygrad_cnn.data.transforms import (
    Compose,
    Normalize,
    ToFloat,
    Transform,
)

__all__ = [
    "ArrayDataset",
    "Compose",
    "ConcatDataset",
    "Cutout",
    "DataLoader",
    "Dataset",
    "ImageCollection",
    "Normalize",
    "RandomCrop",
    "RandomHorizontalFlip",
    "Subset",
    "TensorDataset",
    "ToFloat",
    "Transform",
    "default_collate",
    "landscape",
    "load",
    "names",
    "random_split",
    "read_idx",
    "read_labelled_images",
    "two_moons",
    "write_idx",
]
