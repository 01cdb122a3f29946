"""Neighbours that become one kernel on a GPU; `tinygrad_cnn/_fuse.py` says what a rule is.

    relu_mask          ne(y, 0), where(·, g, 0)              →  relu_grad
    conv_bias          conv, add(bias), relu                 →  conv_bias
    matmul_bias        matmul, add(bias), relu               →  matmul_bias
    batch_norm_relu    batch_norm, (add the residual), relu  →  batch_norm_relu
    relu_behind_norm   relu_grad, batch_norm_grad            →  batch_norm_relu_grad
    cross_entropy      exp, sum, mul, sub, mul               →  softmax_cross_entropy_grad
    labels.py          one_hot, softmax_cross_entropy, ...   →  cross_entropy_of_labels and its gradient

Each result is the name of a kernel in `FUSED` of `kernels` or `convolution`; a rule without one is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tinygrad_cnn._fuse import Rule, bias_and_relu, fused, relu_mask
from tinygrad_cnn._program import Value
from tinygrad_cnn._steps import Links, Step
from tinygrad_cnn.dtypes import normalize_dim, normalize_dims

from .labels import cross_entropy_of_labels

Changes = dict[Step, Step | None]


def fused_for_gpu(
    steps: list[Step], values: Sequence[Value], kept: Iterable[int], kernels: Iterable[str]
) -> list[Step]:
    """The steps after every rule whose kernel is among these names."""
    there = set(kernels)
    return fused(steps, values, kept, [rule for kernel, rule in RULES.items() if kernel in there])


def conv_bias(step: Step, links: Links, values: Sequence[Value]) -> Changes | None:
    """A bias, and a cut below 0, while the results of a convolution are still in registers."""
    changes = bias_and_relu(step, links, values)
    if changes is None:
        return None
    return {old: new and _renamed(new, "conv_bias") for old, new in changes.items()}


def matmul_bias(step: Step, links: Links, values: Sequence[Value]) -> Changes | None:
    """The same for a linear layer: one bias for each column of the product."""
    if step.name != "matmul":
        return None
    (product,) = step.outputs
    add = links.only_reader(product)
    if add is None or add.name != "add" or add.inputs[0] != product:
        return None
    bias = add.inputs[1]
    looks = [(values[number].shape, values[number].dtype) for number in (product, *add.outputs)]
    if len(looks[0][0]) != 2 or looks[0] != looks[1]:
        return None
    if (values[bias].shape, values[bias].dtype) != (looks[0][0][1:], looks[0][1]):
        return None
    outputs, calls, changes = add.outputs, [*step.calls, *add.calls], {step: None}
    relu = links.only_reader(add.outputs[0])
    if relu is not None and relu.name == "relu":
        outputs, calls, changes = relu.outputs, [*calls, *relu.calls], {step: None, relu: None}
    params = {"relu": len(changes) > 1}
    return {**changes, add: Step("matmul_bias", step.op, params, (*step.inputs, bias), outputs, calls)}


def batch_norm_relu(step: Step, links: Links, values: Sequence[Value]) -> Changes | None:
    """Normalized, the residual added, and cut off below 0, in one pass over the numbers."""
    if step.name != "batch_norm":
        return None
    out, *statistics = step.outputs
    add, calls, inputs = None, list(step.calls), step.inputs
    last = links.only_reader(out)
    if last is not None and last.name == "add":
        add, residual = last, next((number for number in last.inputs if number != out), out)
        looks = {(values[number].shape, values[number].dtype) for number in (out, residual, *add.outputs)}
        if residual == out or len(looks) > 1:
            return None
        calls, inputs, last = [*calls, *add.calls], (*inputs, residual), links.only_reader(add.outputs[0])
    if last is None or last.name != "relu":
        return None
    whole = Step("batch_norm_relu", step.op, step.params, inputs, (*last.outputs, *statistics), [])
    whole.calls = [*calls, *last.calls]
    if add is None or links.is_there(inputs[-1], step):
        return {step: whole, last: None} if add is None else {step: whole, add: None, last: None}
    # The residual comes later (it may go through a layer of its own), so everything waits for it.
    if any(links.place[reader] < links.place[last] for one in statistics for reader in links.readers[one]):
        return None
    return {step: None, add: None, last: whole}


def relu_behind_norm(step: Step, links: Links, values: Sequence[Value]) -> Changes | None:
    """The gradient of batch normalization that looks itself at what the ReLU behind it has cut off.

    What is left of g is the gradient of the residual, too: it is written down where somebody else reads it.
    """
    if step.name != "batch_norm_grad":
        return None
    mask = links.maker.get(step.inputs[0])
    if mask is None or mask.name != "relu_grad":
        return None
    g, out = mask.inputs
    rest = step.inputs[1:]
    if not all(links.is_there(number, mask) for number in rest):
        return None
    is_wanted = links.only_reader(mask.outputs[0]) is not step
    outputs = (*step.outputs, *mask.outputs) if is_wanted else step.outputs
    params, calls = {**step.params, "residual": is_wanted}, [*mask.calls, *step.calls]
    whole = Step("batch_norm_relu_grad", step.op, params, (g, *rest, out), outputs, calls)
    return {mask: whole, step: None}


def cross_entropy(step: Step, links: Links, values: Sequence[Value]) -> Changes | None:
    """g · (softmax · Σ target − target), which the engine computes by six operations."""
    if step.name != "mul":
        return None
    column, difference = (links.made_only_for(number, step) for number in step.inputs)
    if column is None or difference is None or (column.name, difference.name) != ("reshape", "sub"):
        return None
    product, target = links.made_only_for(difference.inputs[0], difference), difference.inputs[1]
    if product is None or product.name != "mul":
        return None
    powers, total = (links.made_only_for(number, product) for number in product.inputs)
    if powers is None or total is None or (powers.name, total.name) != ("exp", "sum"):
        return None
    logarithms = powers.inputs[0]
    forward = links.maker.get(logarithms)
    if forward is None or forward.name != "softmax_cross_entropy" or forward.outputs[1] != logarithms:
        return None
    if total.inputs[0] != target or forward.inputs[1] != target:
        return None
    shape = values[target].shape
    dim = normalize_dim(forward.params["dim"], len(shape))
    is_along = normalize_dims(total.params["dim"], len(shape)) == (dim,) and total.params["keepdim"]
    g = column.inputs[0]
    if not is_along or values[g].shape != (*shape[:dim], *shape[dim + 1 :]):
        return None
    if values[column.outputs[0]].shape != (*shape[:dim], 1, *shape[dim + 1 :]):
        return None
    gone = (powers, column, total, product, difference)
    calls = [call for one in (*gone, step) for call in one.calls]
    inputs, params = (g, target, logarithms), {"dim": dim}
    whole = Step("softmax_cross_entropy_grad", step.op, params, inputs, step.outputs, calls)
    return {**dict.fromkeys(gone), step: whole}


RULES: dict[str, Rule] = {
    "relu_grad": relu_mask,
    "conv_bias": conv_bias,
    "matmul_bias": matmul_bias,
    "batch_norm_relu": batch_norm_relu,
    "batch_norm_relu_grad": relu_behind_norm,
    "softmax_cross_entropy_grad": cross_entropy,
    "cross_entropy_of_labels": cross_entropy_of_labels,
}


def _renamed(step: Step, name: str) -> Step:
    return Step(name, step.op, step.params, step.inputs, step.outputs, step.calls)
