"""Binding: jobs become functions without arguments, when their memory is known.

a prepared kernel      PREPARE["conv"](...)              everything decided beforehand
a NumPy function       partial(np.add, x, y, out)        one call into C, nothing else
anything else          the operation's readable kernel, and a copy of what it returns
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.dtypes import normalize_dims

from ..kernels import KERNELS, PREPARE, elementwise, normalize
from ..kernels.blocks import replay
from ..kernels.memory import Arena, Array, Work
from .chain import prepare_chain
from .tasks import Job
from .ufuncs import UFUNCS


def bound(job: Job, backend: Any, arena: Arena) -> Work:
    """The work of a job, on the memory of its cells."""
    arena.begin()
    if job.kernel == "chain":
        return prepare_chain(arena, job.params["links"], job.writes)
    inputs, outputs = [read.look() for read in job.reads], [cell.look() for cell in job.writes]
    if job.kernel in BINDINGS:
        return BINDINGS[job.kernel](backend, arena, inputs, outputs, job.params)
    if job.kernel in PREPARE:
        return PREPARE[job.kernel](backend, arena, *inputs, *outputs, **job.params)
    ufunc = UFUNCS.get(job.kernel)
    if ufunc is not None:
        return partial(ufunc, *inputs, out=outputs[0])
    kernel = KERNELS.get(job.kernel, REGISTRY[job.kernel].kernel)
    return partial(_copied, kernel, backend, inputs, outputs, job.params)


def _copied(
    kernel: Any, backend: Any, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> None:
    made = kernel(backend, *inputs, **params)
    for out, result in zip(outputs, made if isinstance(made, tuple) else (made,), strict=True):
        np.copyto(out, result, casting="unsafe")


# --- what is not simply a kernel ------------------------------------------------------------------

Binding = Callable[[Any, Arena, Sequence[Array], Sequence[Array], Mapping[str, Any]], Work]


def _prepared(prepare: Callable[..., Work]) -> Binding:
    """A kernel that takes everything in the usual order."""
    return lambda backend, arena, inputs, outputs, params: prepare(
        backend, arena, *inputs, *outputs, **params
    )


def _conv(
    backend: Any, arena: Arena, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> Work:
    x, w, *bias = inputs
    if bias:
        params = {**params, "bias": bias[0]}
    return PREPARE["conv"](backend, arena, x, w, outputs[0], **params)


def _copy(
    backend: Any, arena: Arena, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> Work:
    return partial(np.copyto, outputs[0], inputs[0], casting="unsafe")


def _sum_of_parts(
    backend: Any, arena: Arena, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> Work:
    (out,) = outputs
    if len(inputs) == 1:
        return partial(np.copyto, out, inputs[0])
    if len(inputs) == 2:
        return partial(np.add, *inputs, out)

    def work() -> None:
        np.add(inputs[0], inputs[1], out=out)
        for part in inputs[2:]:
            np.add(out, part, out=out)

    return work


def _join_parts(
    backend: Any, arena: Arena, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> Work:
    cuts = np.cumsum([part.shape[params["dim"]] for part in inputs])[:-1]
    pairs = list(zip(np.split(outputs[0], cuts, axis=params["dim"]), inputs, strict=True))

    def work() -> None:
        for piece, part in pairs:
            np.copyto(piece, part)

    return work


def _sum(
    backend: Any, arena: Arena, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> Work:
    (x,), (out,) = inputs, outputs
    axes = normalize_dims(params["dim"], x.ndim)
    return partial(np.add.reduce, x, axes, out.dtype, out, params["keepdim"])


def _sum_to(
    backend: Any, arena: Arena, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> Work:
    """One number for each channel is a product with a vector of ones, which BLAS adds up fastest."""
    (x,), (out,) = inputs, outputs
    channels = x.transpose(*range(1, x.ndim), 0)
    shape = params["shape"]
    if x.ndim > 1 and channels.flags.c_contiguous and shape == (x.shape[1], *(1,) * (x.ndim - 2)):
        rows = channels.reshape(x.shape[1], -1)
        ones = np.ones(rows.shape[1], x.dtype)
        return partial(np.matmul, rows, ones, out.reshape(x.shape[1]))
    return partial(_copied, REGISTRY["sum_to"].kernel, backend, inputs, outputs, params)


def _batch_norm_grad_sums(
    backend: Any, arena: Arena, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> Work:
    g, x, mean, *relu_out = inputs
    sums, *kept_g = outputs
    masked = {"relu_out": relu_out[0], "kept_g": kept_g[0]} if relu_out else {}
    return normalize.prepare_batch_norm_grad_sums(backend, arena, g, x, mean, sums, **masked)


def _where(
    backend: Any, arena: Arena, inputs: Sequence[Array], outputs: Sequence[Array], params: Mapping[str, Any]
) -> Work:
    """Single numbers, such as "0 if there is nothing to divide by", are copied, one over the other."""
    (condition, x, y), (out,) = inputs, outputs
    if out.ndim:
        return partial(_copied, KERNELS["where"], backend, inputs, outputs, params)
    return replay(
        [
            partial(np.copyto, out, y),
            partial(np.copyto, out, x, "same_kind", condition),
        ]
    )


BINDINGS: Mapping[str, Binding] = {
    "assign": _copy,
    "batch_norm_apply": _prepared(normalize.prepare_batch_norm_apply),
    "batch_norm_grad_apply": _prepared(normalize.prepare_batch_norm_grad_apply),
    "batch_norm_grad_sums": _batch_norm_grad_sums,
    "batch_norm_parameter_grads": _prepared(normalize.prepare_batch_norm_parameter_grads),
    "batch_norm_statistics": _prepared(normalize.prepare_batch_norm_statistics),
    "cast": _copy,
    "clone": _copy,
    "combine_statistics": _prepared(normalize.prepare_combine_statistics),
    "conv": _conv,
    "join parts": _join_parts,
    "relu_grad": _prepared(elementwise.prepare_relu_grad),
    "sum": _sum,
    "sum of parts": _sum_of_parts,
    "sum_to": _sum_to,
    "where": _where,
}
