"""A dataset of 300 images, and commands run inside this process."""

import hashlib

import pytest
from typer.testing import CliRunner

from tinygrad_cnn import data
from tinygrad_cnn.cli.app import app
from tinygrad_cnn.data import catalog


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The first images of fashion-mini as four IDX files, and what the catalog would say of them."""
    folder = tmp_path_factory.mktemp("tiny")
    mini = data.load("fashion-mini")
    arrays = {
        catalog.TRAIN_IMAGES: mini.train.images[:200, 0],
        catalog.TRAIN_LABELS: mini.train.labels[:200].astype("uint8"),
        catalog.TEST_IMAGES: mini.test.images[:100, 0],
        catalog.TEST_LABELS: mini.test.labels[:100].astype("uint8"),
    }
    for name, array in arrays.items():
        data.write_idx(folder / name, array)
    return catalog.Entry(
        sha256={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in arrays},
        classes=mini.classes,
        mean=mini.mean,
        std=mini.std,
        license="MIT",
        source="fashion-mini",
        folder=folder,
    )


@pytest.fixture
def run(monkeypatch, tmp_path, tiny):
    """Run `tinygrad-cnn` with these words, in an empty folder where the dataset "tiny" is known."""
    monkeypatch.setitem(catalog.CATALOG, "tiny", tiny)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def command(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return command


@pytest.fixture
def train(run):
    """Train for an epoch on the tiny dataset, unless the words say something else; it must go well."""

    def command(*words):
        result = run("train", "--dataset", "tiny", "--epochs", "1", *words)
        assert result.exit_code == 0, result.output
        return result

    return command
