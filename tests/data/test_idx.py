"""IDX files: what is written comes back, and nothing else gets through."""

import gzip
import hashlib
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_cnn.data import read_idx, read_labelled_images, write_idx
from tinygrad_cnn.errors import DTypeError, FileFormatError, ShapeError

DTYPES = ["u1", "i1", "i2", "i4", "f4", "f8"]
CODES = dict(zip(DTYPES, [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E], strict=True))
IDX_ARRAYS = st.sampled_from([order + dtype for dtype in DTYPES for order in "<>"]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)
IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([9, 0, 3], np.uint8)


def idx_bytes(code: int, shape: tuple[int, ...], body: bytes) -> bytes:
    """An IDX file put together by hand, right or wrong."""
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


@pytest.fixture
def write(tmp_path):
    def write(content: bytes, name: str = "images") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def peak_memory(action) -> int:
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# --- what is written comes back -------------------------------------------------------------------


@given(array=IDX_ARRAYS, suffix=st.sampled_from(["", ".gz"]))
def test_round_trip(tmp_path_factory, array, suffix):
    path = tmp_path_factory.getbasetemp() / f"round-trip{suffix}"
    write_idx(path, array)
    back = read_idx(path)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.tobytes() == array.astype(back.dtype).tobytes()  # bytes, so that NaN equals NaN


def test_non_contiguous_arrays_are_written_in_logical_order(tmp_path):
    for view in (IMAGES.T, IMAGES[::-1, :, ::2], np.asfortranarray(IMAGES), np.broadcast_to(LABELS, (2, 3))):
        write_idx(tmp_path / "view", view)
        np.testing.assert_array_equal(read_idx(tmp_path / "view"), view)


@pytest.mark.parametrize(("dtype", "code"), CODES.items())
def test_the_layout_is_the_published_one(write, dtype, code):
    body = np.array([[1, 2, 3], [4, 5, 6]], ">" + dtype)
    array = read_idx(write(idx_bytes(code, (2, 3), body.tobytes())))
    np.testing.assert_array_equal(array, [[1, 2, 3], [4, 5, 6]])
    assert array.dtype == np.dtype(dtype)


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for name in ("one.gz", "two.gz"):
        write_idx(tmp_path / name, IMAGES)
    first, second = ((tmp_path / name).read_bytes() for name in ("one.gz", "two.gz"))
    assert first == second
    assert first[3:8] == bytes(5)  # gzip's flags, none of which says that a name follows, and its time


def test_compression_is_told_by_content_not_by_name(write):
    content = idx_bytes(0x08, (3,), b"\x09\x00\x03")
    np.testing.assert_array_equal(read_idx(write(content, "plain.gz")), LABELS)
    np.testing.assert_array_equal(read_idx(write(gzip.compress(content), "packed")), LABELS)


def test_an_array_idx_cannot_hold_leaves_no_file(tmp_path):
    path = tmp_path / "labels"
    with pytest.raises(DTypeError, match=r"expected: one of uint8, int8(.|\n)*got: +int64"):
        write_idx(path, np.array([1, 2], np.int64))
    with pytest.raises(DTypeError):
        write_idx(path, np.array([True]))
    with pytest.raises(ShapeError, match="32 bits"):
        write_idx(path, np.broadcast_to(np.uint8(0), (1 << 32,)))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "labels"
    write_idx(path, LABELS)

    def disk_full(descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="no space"):
        write_idx(path, IMAGES)
    np.testing.assert_array_equal(read_idx(path), LABELS)
    assert list(tmp_path.iterdir()) == [path]


# --- case 61: truncated, bad magic, sizes that do not match the bytes, counts that differ ----------


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_case_61_every_truncation_is_noticed(write, pack):
    content = idx_bytes(0x0B, (2, 3), bytes(12))
    for length in range(len(content)):
        path = write(pack(content[:length]))
        with pytest.raises(FileFormatError, match="images: "):
            read_idx(path)
    assert read_idx(write(pack(content))).shape == (2, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file(.|\n)*an empty file"),
        (b"\x89PNG\r\n\x1a\n", "not an IDX file(.|\n)*PNG"),
        (b"<!DOCTYPE html>", "not an IDX file(.|\n)*<!DO"),
        (b"\x00\x01\x08\x01", "not an IDX file"),
        (idx_bytes(0x0A, (1,), b"\x00"), r"unknown element type(.|\n)*0x08 \(uint8\)(.|\n)*0x0A"),
        (b"\x00\x00\x08\x03\x00\x00", "ends inside its header(.|\n)*3 sizes(.|\n)*2 bytes"),
        (idx_bytes(0x08, (3,), b"\x01\x02"), "more than the file can hold(.|\n)*3 bytes(.|\n)*of 10 bytes"),
        (idx_bytes(0x08, (3,), b"\x01\x02\x03\x04"), "goes on after its last element(.|\n)*3 bytes"),
        (idx_bytes(0x0E, (1,), bytes(7)), "8 bytes for shape"),
        (idx_bytes(0x08, (1,) * 65, b"\x01"), "no NumPy array has this shape"),
        (idx_bytes(0x08, (0, *[2**32 - 1] * 3), b""), "no NumPy array has this shape"),
    ],
)
def test_case_61_headers_that_cannot_be(write, content, message):
    path = write(content)
    with pytest.raises(FileFormatError, match=message) as error:
        read_idx(path)
    assert str(path) in error.value.problem
    assert error.value.expected is not None
    assert error.value.got is not None


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", [(2**31, 2**9), (2**32 - 1,) * 4, (2**32 - 1,) * 255], ids=len)
def test_case_61_absurd_dimensions_fail_before_memory_is_taken(write, pack, shape):
    path = write(pack(idx_bytes(0x0E, shape, bytes(100))))

    def read():
        with pytest.raises(FileFormatError, match="promises more than the file can hold"):
            read_idx(path)

    assert peak_memory(read) < 1 << 20


def test_case_61_counts_that_differ(tmp_path):
    write_idx(tmp_path / "images", IMAGES)
    write_idx(tmp_path / "labels", LABELS[:2])
    with pytest.raises(FileFormatError, match=r"not one label for each(.|\n)*3 labels(.|\n)*2 labels"):
        read_labelled_images(tmp_path / "images", tmp_path / "labels")


def test_a_pair_is_images_with_a_channel_and_int64_labels(tmp_path):
    write_idx(tmp_path / "images", IMAGES)
    write_idx(tmp_path / "labels", LABELS)
    images, labels = read_labelled_images(tmp_path / "images", tmp_path / "labels")
    assert (images.shape, images.dtype) == ((3, 1, 4, 5), np.uint8)
    assert (labels.tolist(), labels.dtype) == ([9, 0, 3], np.int64)


def test_files_in_the_wrong_order_or_of_the_wrong_kind(tmp_path):
    write_idx(tmp_path / "images", IMAGES)
    write_idx(tmp_path / "labels", LABELS)
    write_idx(tmp_path / "floats", LABELS.astype(np.float32))
    with pytest.raises(FileFormatError, match="images comes first"):
        read_labelled_images(tmp_path / "labels", tmp_path / "images")
    with pytest.raises(FileFormatError, match=r"integers of shape \(N,\)"):
        read_labelled_images(tmp_path / "images", tmp_path / "images")
    with pytest.raises(FileFormatError, match="float32"):
        read_labelled_images(tmp_path / "images", tmp_path / "floats")


def test_a_missing_file_is_pythons_own_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        read_idx(tmp_path / "nothing-here")


def test_the_checksum_is_of_the_unpacked_bytes(write):
    content = idx_bytes(0x08, (3,), b"\x09\x00\x03")
    digest = hashlib.sha256(content).hexdigest()
    for level in (1, 9):
        read_idx(write(gzip.compress(content, level)), sha256=digest)
    with pytest.raises(FileFormatError, match=f"not the one it should be(.|\n)*{digest}"):
        read_idx(write(idx_bytes(0x08, (3,), b"\x09\x00\x04")), sha256=digest)


@given(content=st.binary(max_size=40).flatmap(lambda tail: st.sampled_from([tail, b"\x1f\x8b" + tail])))
@example(content=b"\x1f\x8b\x08\x00")
@example(content=b"\x00\x00\x08\x00\x07")
def test_any_bytes_give_an_array_or_the_typed_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any-bytes"
    path.write_bytes(content)
    try:
        array = read_idx(path)
    except FileFormatError:
        return
    assert array.nbytes < len(content)


# --- case 62: gzip truncated, damaged, or a bomb ---------------------------------------------------


def test_case_62_every_truncation_of_gzip_is_noticed(write):
    content = gzip.compress(idx_bytes(0x08, IMAGES.shape, IMAGES.tobytes()))
    for length in range(len(content)):
        with pytest.raises(FileFormatError):
            read_idx(write(content[:length]))


def test_case_62_every_damaged_byte_of_gzip_is_noticed(write):
    content = gzip.compress(idx_bytes(0x08, IMAGES.shape, IMAGES.tobytes()), mtime=0)
    # Bytes 4 to 9 hold a time, a hint and an operating system, which say nothing of the content.
    for position in [*range(4), *range(10, len(content))]:
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        with pytest.raises(FileFormatError):
            read_idx(write(bytes(damaged)))


@pytest.mark.parametrize("excess", [1, 256 << 20])
def test_case_62_a_bomb_is_not_unpacked(write, excess):
    path = write(gzip.compress(idx_bytes(0x08, (100,), bytes(100 + excess)), compresslevel=1))

    def read():
        with pytest.raises(FileFormatError, match="goes on after its last element"):
            read_idx(path)

    assert peak_memory(read) < 1 << 20


def test_case_62_a_promise_that_gzip_could_just_keep_is_read(write):
    """Zeros compress nearly as well as DEFLATE can; the bound must not refuse an honest file."""
    path = write(gzip.compress(idx_bytes(0x08, (64 << 20,), bytes(64 << 20))))
    assert (64 << 20) / path.stat().st_size > 1000
    assert not read_idx(path).any()
