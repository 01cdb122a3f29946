"""Forward passes gone wrong: kernels that the comparison with plain loops must notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn._op import REGISTRY


class WrongKernel(NamedTuple):
    """A kernel that computes something else, close by."""

    op: str
    words: str
    kernel: Callable[..., Any]

    def __repr__(self):
        return f"{self.op}: {self.words}"


def right(name):
    return REGISTRY[name].kernel


def with_other(name, **changed):
    """The right kernel, told other parameters."""
    kernel = right(name)
    return lambda B, *arrays, **params: kernel(B, *arrays, **{**params, **changed})


def on_other(name, *changes):
    """The right kernel on changed inputs."""
    kernel = right(name)
    return lambda B, *arrays, **params: kernel(
        B, *[change(array) for change, array in zip(changes, arrays, strict=True)], **params
    )


def same(array):
    return array


def turned(kernel):
    return np.flip(kernel, axis=tuple(range(2, kernel.ndim)))


def sides_swapped(name):
    kernel = right(name)
    return lambda B, *arrays, padding, **params: kernel(
        B, *arrays, padding=tuple((after, before) for before, after in padding), **params
    )


def unbiased_statistics(B, x, weight, bias, *, eps):
    out, mean, var = right_batch_norm(B, x, weight, bias, eps=eps)
    n = x.size // x.shape[1]
    return out, mean, var * n / (n - 1)


def zeros_win(B, x, *, padding, **window):
    """Pads with zeros, and zeros beat negative numbers."""
    wide = np.pad(x, ((0, 0), (0, 0), *padding))
    return right_max_pool(B, wide, padding=((0, 0),) * len(padding), **window)


right_batch_norm, right_max_pool = right("batch_norm"), right("max_pool")

WRONG_KERNELS = [
    WrongKernel("var", "biased", with_other("var", correction=0)),
    WrongKernel("std", "the variance", lambda B, x, **params: right("var")(B, x, **params)),
    WrongKernel("mean", "over everything", lambda B, x, **_: np.asarray(x.mean())),
    WrongKernel("remainder", "with the sign of x", lambda B, x, y: np.fmod(x, y) - y),
    WrongKernel("floor_divide", "towards zero", lambda B, x, y: np.trunc(x / y)),
    WrongKernel("where", "the branches swapped", lambda B, condition, x, y: np.where(condition, y, x)),
    WrongKernel("pad", "the frame's sides swapped", sides_swapped("pad")),
    WrongKernel("pad", "always zeros", with_other("pad", value=0.0)),
    WrongKernel("sort", "descending is ignored", with_other("sort", descending=False)),
    WrongKernel("flip", "nothing happens", lambda B, x, *, dims: x),
    WrongKernel("conv", "the kernel rotated", on_other("conv", same, turned)),
    WrongKernel("conv", "the frame's sides swapped", sides_swapped("conv")),
    WrongKernel("max_pool", "zeros around the image win", zeros_win),
    WrongKernel("batch_norm", "the unbiased variance", unbiased_statistics),
    WrongKernel("one_hot", "the ignored label counts", with_other("one_hot", ignore_index=None)),
    WrongKernel("log_softmax", "along another dimension", with_other("log_softmax", dim=0)),
]
