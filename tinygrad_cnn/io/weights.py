"""Tensors by name in one file, in the safetensors format.

    8 bytes        the length of the header
    the header     JSON: for each name its dtype, its shape, and where its bytes begin and end
    the rest       the elements of all tensors, row by row, little-endian

Nothing in such a file is ever executed, which cannot be said of a pickle; PyTorch, JAX and many others read
and write it. Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors
from safetensors import numpy as safetensors_numpy

from tinygrad_cnn._create import tensor
from tinygrad_cnn._files import atomic_write
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import get_backend
from tinygrad_cnn.dtypes import DTYPES, bfloat16
from tinygrad_cnn.errors import ArgumentTypeError, FileFormatError
from tinygrad_cnn.nn import Module

# The format's names of the dtypes that exist here; it also knows uint16 and others that do not.
_READABLE = {"BOOL", "U8", "I8", "I16", "I32", "I64", "BF16", "F16", "F32", "F64"}


def save(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor] | Module,
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named tensors, or the parameters and buffers of a module, to a safetensors file.

    The values are written as they are seen: a transposed or reversed view is copied into rows first. The file
    is replaced in one step, so a program killed while saving leaves the old file intact.

    Args:
        path: the file to write; its folder must exist.
        tensors: a mapping of names to tensors, such as `model.state_dict()`, or the module itself.
        metadata: words to keep beside the tensors, such as a name or a licence.

    Raises:
        ArgumentTypeError: this is neither a module nor a mapping of names to tensors.
        OSError: the file cannot be written, with Python's own message.

    >>> import tempfile
    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.io import load, save
    >>> W = tc.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/w.safetensors", {"W": W, "W transposed": W.T})
    ...     load(f"{folder}/w.safetensors")["W transposed"]
    tensor([[1., 3.],
            [2., 4.]])
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError(
            "the path comes first",
            argument="path",
            expected="a file name",
            got=type(path).__name__,
            hint="tc.save('weights.safetensors', model)",
        )
    named = tensors.state_dict() if isinstance(tensors, Module) else tensors
    _check_named_tensors(named)
    # The format knows no strides: every array must lie in memory row by row.
    arrays = {name: np.asarray(value.numpy(), order="C") for name, value in named.items()}
    content = safetensors_numpy.save(arrays, metadata=None if metadata is None else dict(metadata))
    with atomic_write(path) as file:
        file.write(content)


def load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file, onto the backend in force (`tc.use_backend`).

    Returns:
        The tensors by name; none of them requires a gradient.

    Raises:
        FileFormatError: this is not a safetensors file, or it is cut short or damaged, or holds a dtype that
            has no counterpart here.
        OptionalDependencyError: it holds bfloat16, and the package ml_dtypes is not installed.
        OSError: the file cannot be opened, with Python's own message.

    >>> import tinygrad_cnn as tc
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tc.save(f"{folder}/w.safetensors", {"bias": tc.ones(2)})
    ...     tc.load(f"{folder}/w.safetensors")
    {'bias': tensor([1., 1.])}
    """
    return read_with_metadata(path)[0]


def read_with_metadata(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file, and the words that were kept beside them."""
    with Path(path).open("rb"):  # a missing file is reported in Python's own words
        pass
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            for name in names:
                _check_dtype(path, name, file.get_slice(name).get_dtype())
            # `tensor` copies: nothing stays tied to the file, which may change after this.
            return {name: tensor(file.get_tensor(name)) for name in names}, dict(file.metadata() or {})
    except safetensors.SafetensorError as error:
        raise FileFormatError(
            f"{path}: this is not a complete safetensors file",
            expected="a header, and as many bytes after it as it announces",
            got=f"{Path(path).stat().st_size} bytes: {error}",
            hint="was it saved by tc.save, and copied to its end?",
        ) from error


def _check_named_tensors(named: object) -> None:
    if not isinstance(named, Mapping):
        raise ArgumentTypeError(
            "there are no names to save under",
            argument="tensors",
            expected="a module, or a mapping of names to tensors",
            got=type(named).__name__,
            hint='one tensor is saved as {"some name": t}',
        )
    for name, value in named.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ArgumentTypeError(
                "only tensors can be saved, each under a name",
                argument="tensors",
                expected="str: Tensor",
                got=f"{name!r}: {type(value).__name__}",
            )


def _check_dtype(path: str | os.PathLike[str], name: str, dtype: str) -> None:
    if dtype not in _READABLE:
        raise FileFormatError(
            f"{path}: {name!r} has a dtype that does not exist here",
            expected=f"one of {', '.join(DTYPES)}",
            got=dtype,
            hint="convert it where it was written, for instance to float32",
        )
    if dtype == "BF16":  # NumPy knows it once somebody has asked for it
        get_backend("numpy").array_dtype(bfloat16)
