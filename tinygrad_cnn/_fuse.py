"""Fusing: several steps become one that touches the memory once.

A ReLU after a convolution reads everything the convolution has just written, and writes it again. The numbers
have left the cache by then, so the ReLU takes as long as the main memory needs, not as long as its arithmetic
does. Done block by block inside the convolution it costs almost nothing. On a GPU each step is also a kernel
to start. The rules below look for such neighbours; each says why the result is the same. A backend applies
those for which it has a kernel, and may have rules of its own.

    relu_mask               ne(y, 0), where(·, g, 0)    →  relu_grad
    relu_through_pool       relu, max_pool              →  max_pool with a ReLU, on a quarter of the numbers
    bias_and_relu           conv, add(bias), relu       →  conv with an epilogue
    batch_norm_and_relu     batch_norm, relu            →  batch_norm with a ReLU
    batch_norm_behind_relu  relu_grad, batch_norm_grad  →  batch_norm_grad that looks at the ReLU's output

A rule may only swallow a value that nobody else reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from tinygrad_cnn._program import Kind, Value
from tinygrad_cnn._steps import Links, Step

Rule: TypeAlias = Callable[[Step, Links, Sequence[Value]], "dict[Step, Step | None] | None"]


def fused(
    steps: list[Step], values: Sequence[Value], kept: Iterable[int], rules: Iterable[Rule]
) -> list[Step]:
    """The steps with every rule applied, wherever it fits, one rule after the other."""
    kept = tuple(kept)
    for rule in rules:
        links, place = Links(steps, kept), 0
        while place < len(steps):
            changes = rule(steps[place], links, values)
            if changes is None:
                place += 1
                continue
            replaced = (changes.get(step, step) for step in steps)
            steps = [step for step in replaced if step is not None]
            links = Links(steps, kept)
    return steps


def relu_mask(step: Step, links: Links, values: Sequence[Value]) -> dict[Step, Step | None] | None:
    """The gradient of a ReLU: g where its output is not 0. One step instead of a mask and a choice."""
    if step.name != "where" or not is_zero(values[step.inputs[2]]):
        return None
    mask, g, _ = step.inputs
    compare = links.maker.get(mask)
    if compare is None or compare.name != "ne" or not is_zero(values[compare.inputs[1]]):
        return None
    out = compare.inputs[0]
    shapes = {values[number].shape for number in (mask, g, out, *step.outputs)}
    if len(shapes) > 1 or values[out].dtype is not values[g].dtype:
        return None
    masked = Step("relu_grad", step.op, {}, (g, out), step.outputs, [*compare.calls, *step.calls])
    gone = {compare: None} if links.only_reader(mask) is step else {}
    return {**gone, step: masked}


def bias_and_relu(step: Step, links: Links, values: Sequence[Value]) -> dict[Step, Step | None] | None:
    """A convolution that adds its bias, and cuts off below 0, while a block of the output is in the cache."""
    if step.name != "conv" or len(step.inputs) > 2:
        return None
    add = links.only_reader(step.outputs[0])
    if add is None or add.name != "add" or add.inputs[0] != step.outputs[0]:
        return None
    unfold = links.maker.get(add.inputs[1])
    filters, spatial = values[step.inputs[1]].shape[0], len(step.params["stride"])
    if (
        unfold is None
        or unfold.name != "reshape"
        or values[unfold.inputs[0]].shape != (filters,)
        or values[unfold.outputs[0]].shape != (filters, *(1,) * spatial)
    ):
        return None
    calls = [*step.calls, *add.calls]
    outputs, relu = add.outputs, links.only_reader(add.outputs[0])
    params = {**step.params, "relu": False}
    changes: dict[Step, Step | None] = {step: None}
    if relu is not None and relu.name == "relu":
        outputs, params["relu"] = relu.outputs, True
        calls += relu.calls
        changes[relu] = None
    whole = Step("conv", step.op, params, (*step.inputs, unfold.inputs[0]), outputs, calls)
    return {**changes, add: whole}


def relu_through_pool(step: Step, links: Links, values: Sequence[Value]) -> dict[Step, Step | None] | None:
    """max(ReLU(x)) = ReLU(max(x)): the ReLU moves behind the pool, where a quarter of the numbers is left.

    Going back, what the ReLU cuts off are the windows whose maximum is not positive: the mask moves to the
    other side of the pool as well. A window without a positive number now hands its (masked) gradient to
    another place than before, and that gradient is 0.
    """
    if step.name != "relu":
        return None
    cut = step.outputs[0]
    readers = {reader.name: reader for reader in links.readers[cut]}
    if cut in links.kept or set(readers) not in ({"max_pool"}, {"max_pool", "relu_grad"}):
        return None
    if len(readers) != len(links.readers[cut]):
        return None
    pool = readers["max_pool"]
    pooled, winner = pool.outputs
    params = {**pool.params, "relu": True}
    moved = Step("max_pool", pool.op, params, step.inputs, pool.outputs, [*step.calls, *pool.calls])
    changes: dict[Step, Step | None] = {step: None, pool: moved}
    mask = readers.get("relu_grad")
    if mask is not None:
        scatter = links.maker.get(mask.inputs[0])
        if (
            scatter is None
            or scatter.name != "max_pool_scatter"
            or scatter.inputs[1] != winner
            or links.only_reader(scatter.outputs[0]) is not mask
        ):
            return None
        g = scatter.inputs[0]
        # The value between the two steps is now a pooled one; the number of the unpooled one is free for it.
        between = scatter.outputs[0]
        values[between].shape = values[g].shape
        early = Step("relu_grad", mask.op, {}, (g, pooled), (between,), mask.calls)
        late = Step(
            "max_pool_scatter", scatter.op, scatter.params, (between, winner), mask.outputs, scatter.calls
        )
        changes |= {scatter: early, mask: late}
    return changes


def batch_norm_and_relu(step: Step, links: Links, values: Sequence[Value]) -> dict[Step, Step | None] | None:
    """Normalized, and cut off below 0, in one walk over the numbers."""
    if step.name != "batch_norm" or "relu" in step.params:
        return None
    relu = links.only_reader(step.outputs[0])
    if relu is None or relu.name != "relu":
        return None
    params = {**step.params, "relu": True}
    whole = Step(
        "batch_norm",
        step.op,
        params,
        step.inputs,
        (*relu.outputs, *step.outputs[1:]),
        [*step.calls, *relu.calls],
    )
    return {step: whole, relu: None}


def batch_norm_behind_relu(
    step: Step, links: Links, values: Sequence[Value]
) -> dict[Step, Step | None] | None:
    """The gradient of batch normalization that looks itself at what the ReLU behind it has cut off."""
    if step.name != "batch_norm_grad" or len(step.inputs) > 5:
        return None
    mask = links.maker.get(step.inputs[0])
    if mask is None or mask.name != "relu_grad" or links.only_reader(mask.outputs[0]) is not step:
        return None
    g, out = mask.inputs
    inputs = (g, *step.inputs[1:], out)
    whole = Step("batch_norm_grad", step.op, step.params, inputs, step.outputs, [*mask.calls, *step.calls])
    return {mask: None, step: whole}


def is_zero(value: Value) -> bool:
    """Whether a value is the number 0, in every call."""
    return value.kind is Kind.CONSTANT and value.shape == () and value.array is not None and not value.array
