"""Reading and writing IDX files, the format MNIST and its descendants come in.

An IDX file is an array with a short header. All numbers are big-endian:

    byte  0-1    zero
    byte  2      element type: 0x08 uint8, 0x09 int8, 0x0B int16, 0x0C int32, 0x0D float32, 0x0E float64
    byte  3      the number of dimensions D
    4 D bytes    the size of each dimension, uint32
    the rest     the elements, the last dimension fastest (C order)

So `train-images-idx3-ubyte`, 60,000 images of 28x28 bytes, begins `00 00 08 03 | 60000 | 28 | 28`.
Source: yann.lecun.com/exdb/mnist, "File formats for the MNIST database".

A header is a promise made by a stranger. The reader checks it against the size of the file before it
makes room for the elements, reads what was promised and no more, and turns every way in which a file can be
wrong into one `FileFormatError` that names the file, what was expected and what was found.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn.errors import DTypeError, FileFormatError, ShapeError

_ELEMENT_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_TYPE_CODES = {dtype: code for code, dtype in _ELEMENT_TYPES.items()}
_TYPE_NAMES = ", ".join(dtype.name for dtype in _TYPE_CODES)

_GZIP_MAGIC = b"\x1f\x8b"
# DEFLATE's best case is two bits for a run of 258 bytes, so no gzip file unpacks to more than this many
# times its own size.
_LARGEST_GZIP_RATIO = 1032
_CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str], *, sha256: str | None = None) -> NDArray[Any]:
    """Read an IDX file, plain or gzip (told apart by its first bytes, not by its name).

    Args:
        path: the file.
        sha256: what the SHA-256 of the unpacked file must be. The unpacked one, because mirrors and
            distributions compress the same images again with other settings.

    Returns:
        An array of the header's shape, in the machine's own byte order.

    Raises:
        FileFormatError: the file is not IDX, is cut short, damaged, longer than its header says, promises
            more than a file of its size can hold, or has another SHA-256.
        OSError: the file cannot be opened, with Python's own message.

    Example:
        >>> import tempfile
        >>> from tinygrad_cnn.data import read_idx, write_idx
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_idx(f"{folder}/labels-idx1-ubyte.gz", np.array([9, 0, 3], np.uint8))
        ...     read_idx(f"{folder}/labels-idx1-ubyte.gz")
        array([9, 0, 3], dtype=uint8)
    """
    path = Path(path)
    try:
        with _open(path) as stream:
            header, dtype, shape = _read_header(stream, path)
            body = _read_body(stream, path, len(header), dtype, shape)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileFormatError(
            f"{path}: the gzip stream is cut short or damaged",
            expected="a complete gzip file",
            got=str(error),
            hint="fetch or copy the file again",
        ) from error

    if sha256 is not None:
        _check_digest(path, sha256, header, body)
    try:
        array = body.view(dtype).reshape(shape)
    except ValueError as error:
        raise FileFormatError(
            f"{path}: no NumPy array has this shape",
            expected="at most 64 dimensions and 2^63 bytes",
            got=shape,
        ) from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def write_idx(path: str | os.PathLike[str], array: ArrayLike) -> None:
    """Write an array as an IDX file, compressed if the name ends in `.gz`.

    Writing the same array twice gives the same bytes: the gzip header carries neither a time nor a name. The
    file appears under its name only when it is complete.

    Args:
        path: the file to write; an existing one is replaced.
        array: uint8, int8, int16, int32, float32 or float64, of any shape.

    Raises:
        DTypeError: IDX has no such element type.
        ShapeError: a dimension larger than 2^32 - 1.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(f"{folder}/labels-idx1-ubyte", np.array([9, 0], np.uint8))
    ...     Path(f"{folder}/labels-idx1-ubyte").read_bytes().hex(" ")
    '00 00 08 01 00 00 00 02 09 00'
    """
    path = Path(path)
    array = np.asarray(array)
    dtype = array.dtype.newbyteorder(">")
    if dtype not in _TYPE_CODES:
        raise DTypeError(
            "IDX files cannot hold this dtype",
            argument="array",
            expected=f"one of {_TYPE_NAMES}",
            got=array.dtype,
            hint="labels below 256 fit in array.astype(np.uint8)",
        )
    if max(array.shape, default=0) >= 1 << 32:
        raise ShapeError(
            "IDX stores sizes in 32 bits",
            argument="array",
            expected=f"dimensions below {1 << 32}",
            got=f"shape {array.shape}",
        )

    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    content = bytes([0, 0, _TYPE_CODES[dtype], array.ndim]) + sizes + array.astype(dtype).tobytes()
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=9, mtime=0)
    with atomic_write(path) as file:
        file.write(content)


def read_labelled_images(
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    *,
    images_sha256: str | None = None,
    labels_sha256: str | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read a pair of IDX files that belong together: images, and the class of each.

    Args:
        images: an IDX file of uint8 greyscale images, shape (N, H, W).
        labels: an IDX file of N integers.
        images_sha256: as in `read_idx`, for the images.
        labels_sha256: as in `read_idx`, for the labels.

    Returns:
        Images (N, 1, H, W) uint8, with the one channel a convolution expects, and labels (N,) int64.

    Raises:
        FileFormatError: as `read_idx`, or a file has another shape or type, or their lengths differ.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(f"{folder}/images", np.zeros((2, 28, 28), np.uint8))
    ...     write_idx(f"{folder}/labels", np.array([9, 0], np.uint8))
    ...     images, labels = read_labelled_images(f"{folder}/images", f"{folder}/labels")
    >>> images.shape, labels.tolist()
    ((2, 1, 28, 28), [9, 0])
    """
    pixels = read_idx(images, sha256=images_sha256)
    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        raise FileFormatError(
            f"{images}: these are not greyscale images",
            argument="images",
            expected="uint8 of shape (N, H, W)",
            got=f"{pixels.dtype} of shape {pixels.shape}",
            hint="the file of images comes first, the file of labels second",
        )
    classes = read_idx(labels, sha256=labels_sha256)
    if classes.ndim != 1 or classes.dtype.kind not in "iu":
        raise FileFormatError(
            f"{labels}: these are not class labels",
            argument="labels",
            expected="integers of shape (N,)",
            got=f"{classes.dtype} of shape {classes.shape}",
        )
    if len(pixels) != len(classes):
        raise FileFormatError(
            f"{labels}: not one label for each image in {images}",
            argument="labels",
            expected=f"{len(pixels)} labels",
            got=f"{len(classes)} labels",
            hint="are both files of the same half, training or test?",
        )
    return pixels[:, np.newaxis], classes.astype(np.int64)


def _open(path: Path) -> io.BufferedIOBase:
    return gzip.open(path, "rb") if _is_gzip(path) else path.open("rb")


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP_MAGIC


def _read_header(stream: io.BufferedIOBase, path: Path) -> tuple[bytes, np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise FileFormatError(
            f"{path}: this is not an IDX file",
            expected="two zero bytes, an element type and a number of dimensions",
            got=f"a file that begins with {magic!r}" if magic else "an empty file",
        )
    if magic[2] not in _ELEMENT_TYPES:
        codes = ", ".join(f"0x{code:02X} ({dtype.name})" for code, dtype in _ELEMENT_TYPES.items())
        raise FileFormatError(
            f"{path}: unknown element type", expected=f"one of {codes}", got=f"0x{magic[2]:02X}"
        )
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise FileFormatError(
            f"{path}: the file ends inside its header",
            expected=f"{magic[3]} sizes of 4 bytes",
            got=f"{len(sizes)} bytes",
        )
    shape = struct.unpack(f">{magic[3]}I", sizes)
    return magic + sizes, _ELEMENT_TYPES[magic[2]], shape


def _read_body(
    stream: io.BufferedIOBase, path: Path, header_size: int, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """The bytes after the header: exactly as many as it promises."""
    size = math.prod(shape) * dtype.itemsize
    promise = f"{size} bytes for shape {shape} of {dtype.name}"
    on_disk = path.stat().st_size
    ratio = _LARGEST_GZIP_RATIO if isinstance(stream, gzip.GzipFile) else 1
    if header_size + size > on_disk * ratio:
        raise FileFormatError(
            f"{path}: the header promises more than the file can hold",
            expected=promise,
            got=f"a file of {on_disk} bytes{' (gzip)' if ratio > 1 else ''}",
            hint="was the download or copy interrupted?",
        )

    body = np.empty(size, np.uint8)
    read = 0
    while read < size and (count := stream.readinto(body.data[read : read + _CHUNK])):
        read += count
    if read < size:
        raise FileFormatError(
            f"{path}: the file ends early",
            expected=promise,
            got=f"{read} bytes",
            hint="was the download or copy interrupted?",
        )
    if stream.read(1):
        raise FileFormatError(
            f"{path}: the file goes on after its last element", expected=promise, got="more bytes"
        )
    return body


def _check_digest(path: Path, expected: str, header: bytes, body: NDArray[np.uint8]) -> None:
    import hashlib  # here, to keep `import tinygrad_cnn` quick

    digest = hashlib.sha256(header)
    digest.update(body.data)
    if digest.hexdigest() != expected:
        raise FileFormatError(
            f"{path}: a proper IDX file, but not the one it should be",
            expected=f"SHA-256 {expected} (of the unpacked file)",
            got=f"SHA-256 {digest.hexdigest()}",
            hint="MNIST and its descendants all use the same file names: keep each in a folder of its own",
        )
