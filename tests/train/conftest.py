"""A problem that is learned in a second: which quarter of an 8 × 8 image is bright?"""

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.train import Trainer


def bright_quarters(count, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=count)
    images = rng.normal(0, 0.5, (count, 1, 8, 8)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1
    return tc.data.ArrayDataset(images, labels)


class Net(tc.nn.Module):
    """A convolution, batch normalization and dropout: everything that has a state or draws numbers."""

    def __init__(self):
        super().__init__()
        self.conv = tc.nn.Conv2d(1, 4, 3)
        self.norm = tc.nn.BatchNorm2d(4)
        self.dropout = tc.nn.Dropout(0.2)
        self.fc = tc.nn.Linear(4 * 3 * 3, 4)

    def forward(self, x):
        x = tc.functional.max_pool2d(self.norm(self.conv(x)).relu(), 2)
        return self.fc(self.dropout(x.reshape(len(x), -1)))


@pytest.fixture
def train_loader():
    return tc.data.DataLoader(bright_quarters(100), batch_size=32, shuffle=True, seed=1)


@pytest.fixture
def test_loader():
    return tc.data.DataLoader(bright_quarters(50, seed=1), batch_size=20)


@pytest.fixture
def make_trainer():
    """A new Trainer for three epochs of 4 steps; the same one for the same seed."""

    def make(seed=0, model=None, **options):
        tc.manual_seed(seed)
        model = Net() if model is None else model
        optimizer = tc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        schedule = tc.optim.OneCycleLR(optimizer, max_lr=0.1, total_steps=12)
        return Trainer(model, optimizer, scheduler=schedule, **options)

    return make


@pytest.fixture
def weights():
    """All weights and statistics of a trainer's model, as bytes: equal means equal in every bit."""
    return lambda trainer: {name: t.numpy().tobytes() for name, t in trainer.model.state_dict().items()}
