"""A convolution as cuDNN wants it described: a graph of operations on tensors.

A tensor is sizes, strides and a dtype; it has no memory yet, only a number (`uid`) by which an address is
given to it when the graph runs. From the graph cuDNN's heuristics, tables and a model of the device, list the
plans that could compute it, the quickest presumably first; here those are struck off that compute something
else than was asked for.

Strides decide about speed. Images lie as `PlanKey.channels_last` says, filters always row by row. Where its
kernels want filters in another order, cuDNN moves them itself, into its workspace: planned for an A100 and an
H100, most keys get the same kernels either way, with a workspace larger by just the filters. So nobody else
has to copy filters, and their gradients come back in the order in which the filters lie themselves, as
optimizers like it.

>>> strides((2, 3, 4, 5), channels_last=False), strides((2, 3, 4, 5), channels_last=True)
([60, 20, 5, 1], [60, 1, 15, 3])
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.dtypes import Shape

from .keys import PlanKey

INPUTS, OUTPUT = (
    (1, 2, 3),
    4,
)  # the numbers of the tensors: inputs in the order of the operation's, and the result
WORKSPACE_LIMIT = 2**30  # bytes; plans that want more are not considered
DTYPES = {"float16": "HALF", "bfloat16": "BFLOAT16", "float32": "FLOAT", "float64": "DOUBLE"}


def listed(cudnn: Any, key: PlanKey, **device: Any) -> Any:
    """The graph of a key, with the plans that may compute it, none of them built.

    Args:
        cudnn: the module.
        key: what to describe.
        device: who computes, as `cudnn.pygraph` takes it: `handle=...`.

    Raises:
        RuntimeError, cudnnGraphNotSupportedError: cuDNN has no plan for it.
    """
    graph = _described(cudnn, key, **device)
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    graph.deselect_numeric_notes([getattr(cudnn.numerical_note, note) for note in unwanted(key)])
    graph.deselect_workspace_greater_than(WORKSPACE_LIMIT)
    return graph


def unwanted(key: PlanKey) -> list[str]:
    """cuDNN's notes on what a plan does to numbers: those that are not acceptable.

    Inputs are never shortened to less than their dtype, but float32 to TF32 where that was asked for, and
    nothing is summed up in less than float32.
    """
    notes = ["DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION"]
    if key.dtype == "float32" and not key.tf32:
        notes.append("TENSOR_CORE")  # of float32 they make TF32
    if key.deterministic:
        notes.append("NONDETERMINISTIC")
    return notes


def strides(shape: Shape, channels_last: bool) -> list[int]:
    """How many elements apart neighbours along each dimension of (N, C, *S) are, without gaps."""
    order = [0, *range(2, len(shape)), 1] if channels_last else list(range(len(shape)))
    return [math.prod(shape[later] for later in order[order.index(axis) + 1 :]) for axis in range(len(shape))]


def _described(cudnn: Any, key: PlanKey, **device: Any) -> Any:
    numbers = getattr(cudnn.data_type, DTYPES[key.dtype])
    sums = cudnn.data_type.DOUBLE if key.dtype == "float64" else cudnn.data_type.FLOAT
    graph = cudnn.pygraph(io_data_type=numbers, intermediate_data_type=sums, compute_data_type=sums, **device)

    def tensor(uid: int, shape: Shape, channels_last: bool = key.channels_last) -> Any:
        layout = strides(shape, channels_last)
        return graph.tensor(dim=list(shape), stride=layout, data_type=numbers, uid=uid)

    window = {
        "pre_padding": [before for before, _ in key.padding],
        "post_padding": [after for _, after in key.padding],
        "stride": list(key.stride),
        "dilation": list(key.dilation),
    }
    first, second, third = INPUTS
    shape, lies = key.output, key.channels_last
    if key.operation == "conv_input_grad":
        inputs = {"loss": tensor(first, key.output), "filter": tensor(second, key.filters, False)}
        result, shape = graph.conv_dgrad(**inputs, **window), key.image
    elif key.operation == "conv_weight_grad":
        inputs = {"image": tensor(first, key.image), "loss": tensor(second, key.output)}
        result, shape, lies = graph.conv_wgrad(**inputs, **window), key.filters, False
    else:
        inputs = {"image": tensor(first, key.image), "weight": tensor(second, key.filters, False)}
        result = graph.conv_fprop(**inputs, **window)
        if key.operation == "conv_bias":
            ones = (1,) * len(key.stride)
            result = graph.bias(input=result, bias=tensor(third, (1, key.filters[0], *ones)))
        if key.relu:
            result = graph.relu(input=result)
    result.set_uid(OUTPUT).set_output(True).set_data_type(numbers)
    result.set_dim(list(shape)).set_stride(strides(shape, lies))
    return graph
