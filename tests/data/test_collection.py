"""Collections: the embedded one, the full ones where installed, and the order places are searched in."""

import gzip
import os
import runpy
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn import data
from tinygrad_cnn.data.catalog import CATALOG, TEST_LABELS, TRAIN_IMAGES
from tinygrad_cnn.errors import (
    DownloadError,
    FileFormatError,
    UnknownName,
)

REPOSITORY = Path(__file__).parents[2]
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
TEST_DATA = Path(os.environ.get("TINYGRAD_CNN_TEST_DATA", REPOSITORY.parent / "shared" / "data"))

needs_debian = pytest.mark.skipif(
    not DEBIAN.exists(), reason="Debian's package dataset-fashion-mnist is not installed"
)
needs_mnist = pytest.mark.skipif(
    not (TEST_DATA / "mnist").exists(), reason=f"no folder mnist in {TEST_DATA} (TINYGRAD_CNN_TEST_DATA)"
)


@pytest.fixture(scope="module")
def mini():
    return data.load("fashion-mini")


# --- fashion-mini, inside the package -------------------------------------------------------------


def test_fashion_mini_is_6000_and_1000_images(mini):
    assert (mini.train.images.shape, mini.train.images.dtype) == ((6000, 1, 28, 28), np.uint8)
    assert (mini.test.images.shape, mini.test.images.dtype) == ((1000, 1, 28, 28), np.uint8)
    assert mini.train.labels.dtype == mini.test.labels.dtype == np.int64
    assert mini.shape == (1, 28, 28)
    assert len(mini.classes) == 10


def test_fashion_mini_holds_every_class_about_equally(mini):
    train, test = (np.bincount(split.labels) for split in (mini.train, mini.test))
    assert train.tolist() == [560, 643, 608, 612, 584, 594, 590, 617, 590, 602]
    assert test.tolist() == [107, 105, 111, 93, 115, 87, 97, 95, 95, 95]


@needs_debian
def test_fashion_mini_is_the_beginning_of_fashion_mnist(mini):
    full = data.load("fashion-mnist", root=DEBIAN)
    np.testing.assert_array_equal(mini.train.images, full.train.images[:6000])
    np.testing.assert_array_equal(mini.train.labels, full.train.labels[:6000])
    np.testing.assert_array_equal(mini.test.images, full.test.images[:1000])
    np.testing.assert_array_equal(mini.test.labels, full.test.labels[:1000])
    assert mini.classes == full.classes


@needs_debian
def test_the_script_makes_the_embedded_files_again(tmp_path, monkeypatch, capsys):
    script = str(REPOSITORY / "scripts" / "make_fashion_mini.py")
    monkeypatch.setattr("sys.argv", [script, str(tmp_path)])
    runpy.run_path(script, run_name="__main__")
    printed = capsys.readouterr().out
    folder = CATALOG["fashion-mini"].folder
    for name, sha256 in CATALOG["fashion-mini"].sha256.items():
        made, embedded = (
            gzip.decompress((place / f"{name}.gz").read_bytes()) for place in (tmp_path, folder)
        )
        assert made == embedded
        assert sha256 in printed


def test_fashion_mini_carries_its_licence_and_stays_small():
    folder = CATALOG["fashion-mini"].folder
    notice = (folder / "LICENSE").read_text()
    assert "Copyright (c) 2017 Zalando SE" in notice
    assert "Permission is hereby granted, free of charge" in notice
    assert sum(file.stat().st_size for file in folder.iterdir()) < 3.2e6


def test_fashion_mini_ignores_other_folders(write_tiny, tmp_path, monkeypatch):
    """A folder of the full dataset has files of the same names; the package's own are meant."""
    monkeypatch.setenv("TINYGRAD_CNN_DATA", str(write_tiny(tmp_path / "other")))
    assert len(data.load("fashion-mini", root=tmp_path / "other", download=False).train) == 6000


# --- the full datasets ----------------------------------------------------------------------------


@needs_debian
def test_fashion_mnist_is_found_where_debian_puts_it():
    full = data.load("fashion-mnist", download=False)
    assert (len(full.train), len(full.test)) == (60_000, 10_000)
    assert np.bincount(full.train.labels).tolist() == [6000] * 10
    check_statistics(full)


@needs_mnist
def test_mnist_is_found_in_the_folder_of_the_environment(monkeypatch):
    monkeypatch.setenv("TINYGRAD_CNN_DATA", str(TEST_DATA))
    digits = data.load("mnist", download=False)
    assert (len(digits.train), len(digits.test)) == (60_000, 10_000)
    assert digits.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    check_statistics(digits)


@needs_mnist
def test_mnist_under_the_name_of_fashion_mnist_is_refused():
    with pytest.raises(FileFormatError, match=r"not the one it should be(.|\n)*folder of its own"):
        data.load("fashion-mnist", root=TEST_DATA / "mnist")


def test_written_statistics_are_the_pixels_own(mini):
    check_statistics(mini)


def check_statistics(dataset):
    # Sums of integers, so that there is no rounding to argue about.
    counts = np.bincount(dataset.train.images.ravel(), minlength=256)
    levels = np.arange(256) / 255
    mean = counts @ levels / counts.sum()
    std = np.sqrt(counts @ (levels - mean) ** 2 / counts.sum())
    assert dataset.mean == pytest.approx((mean,), abs=5e-7)
    assert dataset.std == pytest.approx((std,), abs=5e-7)


def test_standardize_gives_mean_0_and_variance_1(mini):
    pixels = mini.standardize(mini.train.images)
    assert pixels.dtype == np.float32
    assert pixels.mean(dtype=np.float64) == pytest.approx(0, abs=1e-4)
    assert pixels.std(dtype=np.float64) == pytest.approx(1, abs=1e-4)


# --- where a dataset is looked for ----------------------------------------------------------------


def test_the_places_in_order(register_tiny, write_tiny, tmp_path, monkeypatch):
    """Every place is searched, each only when those before it have nothing."""
    register_tiny("http://127.0.0.1:1", folder=tmp_path / "system")
    monkeypatch.setenv("TINYGRAD_CNN_DATA", str(tmp_path / "environment"))
    places = ["root/tiny", "root", "environment/tiny", "environment", "system", "cache/tinygrad_cnn/tiny"]
    for place in reversed(places):
        write_tiny(tmp_path / place)
        tiny = data.load("tiny", root=tmp_path / "root", download=False)
        assert len(tiny.train) == 5
        # It really was this place: damage there is met, and not skipped over.
        labels = tmp_path / place / f"{TEST_LABELS}.gz"
        intact = labels.read_bytes()
        labels.write_bytes(intact[:-1])
        with pytest.raises(FileFormatError, match="cut short") as error:
            data.load("tiny", root=tmp_path / "root", download=False)
        assert str(labels) in error.value.problem
        labels.write_bytes(intact)


def test_unpacked_files_are_found_too(register_tiny, write_tiny, tmp_path):
    register_tiny("http://127.0.0.1:1")
    write_tiny(tmp_path / "root", suffix="")
    assert data.load("tiny", root=str(tmp_path / "root")).train.labels.tolist() == [0, 1, 1, 0, 1]


def test_a_folder_that_lacks_one_file_does_not_count(register_tiny, write_tiny, tmp_path):
    register_tiny("http://127.0.0.1:1")
    (write_tiny(tmp_path / "root") / f"{TRAIN_IMAGES}.gz").unlink()
    with pytest.raises(DownloadError):
        data.load("tiny", root=tmp_path / "root", download=False)


def test_without_download_the_error_says_where_it_looked_and_what_to_do(register_tiny, tmp_path):
    register_tiny("http://127.0.0.1:1")
    with pytest.raises(DownloadError) as error:
        data.load("tiny", root=tmp_path / "mine", download=False)
    for place in (tmp_path / "mine" / "tiny", tmp_path / "cache" / "tinygrad_cnn" / "tiny"):
        assert str(place) in error.value.expected
    assert "ask a friend" in error.value.hint
    assert f"{TRAIN_IMAGES}.gz" in error.value.hint
    assert not (tmp_path / "mine").exists()


def test_a_mistyped_name_gets_the_list_and_the_nearest(mini):
    with pytest.raises(UnknownName, match=r"fashion-mini, fashion-mnist, mnist(.|\n)*'fashion-mnist'\?"):
        data.load("fashion_mnist")
    assert data.names() == ("fashion-mini", "fashion-mnist", "mnist")
