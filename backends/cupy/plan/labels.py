"""The loss of a classifier: about twenty small steps that become two.

`F.cross_entropy(logits, labels)` is recorded as three operations, and its gradient as seven more:

    one_hot                       labels as rows with a single 1                    T
    softmax_cross_entropy         −Σ T · ln softmax(logits), a loss for each row
    ratio_of_sums                 Σ losses / Σ T                                    the mean
    sum, eq, where, div, where    g / Σ T, and 0 where that is g / 0                back through the mean
    expand                        for each row
    softmax_cross_entropy_grad    g · (softmax · Σ T − T)                           back to the logits

Each is a kernel or several on a few dozen numbers, which a GPU is done with before the next has started. With
the labels at hand nobody needs T: `cross_entropy_of_labels` goes from logits to the mean, and its gradient
back. Weights of classes, smoothed labels and sums are recorded otherwise, and stay what they are. So do the
labels of many pixels: too many for one block to take the mean of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tinygrad_cnn._fuse import is_zero
from tinygrad_cnn._program import Kind, Value
from tinygrad_cnn._steps import Links, Step
from tinygrad_cnn.dtypes import count, normalize_dim

from ..kernels.choice import FLOATS
from ..kernels.cross_entropy import LABELS, MOST_LABELS


def cross_entropy_of_labels(
    step: Step, links: Links, values: Sequence[Value]
) -> dict[Step, Step | None] | None:
    """The mean loss over labels, and its way back, without the rows that the labels stand for."""
    if step.name != "ratio_of_sums":
        return None
    losses, target = step.inputs
    hot, scores = links.maker.get(target), links.made_only_for(losses, step)
    if hot is None or scores is None or not _is_mean_of_labels(hot, scores, step, links, values):
        return None
    (labels,), (logits, _) = hot.inputs, scores.inputs
    known = values[labels]
    if known.dtype.name not in LABELS or count(known.shape) > MOST_LABELS:
        return None
    if known.kind is Kind.STATE:  # which may be another by the time the gradient reads it
        return None
    readers = [reader for reader in links.readers[target] if reader not in (scores, step)]
    back = _way_back(readers, losses, links, values) if readers else None
    if target in links.kept or (readers and back is None):
        return None
    log_probabilities = scores.outputs[1]
    params = {"dim": scores.params["dim"], "ignore_index": hot.params["ignore_index"]}
    # Of the rows only their sum is left, which says how many labels count: it takes the number of the rows.
    values[target].shape = ()
    changes: dict[Step, Step | None] = {hot: None, scores: None}
    changes[step] = Step(
        "cross_entropy_of_labels",
        scores.op,
        params,
        (logits, labels),
        (*step.outputs, log_probabilities, target),
        [*hot.calls, *scores.calls, *step.calls],
    )
    if back is not None:
        changes |= dict.fromkeys(back.gone)
        changes[back.end] = Step(
            "cross_entropy_of_labels_grad",
            back.end.op,
            params,
            (back.g, labels, log_probabilities, target),
            back.end.outputs,
            [call for one in (*back.gone, back.end) for call in one.calls],
        )
    return changes


def _is_mean_of_labels(hot: Step, scores: Step, mean: Step, links: Links, values: Sequence[Value]) -> bool:
    """Whether three steps that follow each other go from labels to their mean loss."""
    place = links.place[hot]
    if (hot.name, scores.name) != ("one_hot", "softmax_cross_entropy"):
        return False
    if (links.place[scores], links.place[mean]) != (place + 1, place + 2):
        return False
    logits, target = scores.inputs
    dims = {normalize_dim(one.params["dim"], len(values[logits].shape)) for one in (hot, scores)}
    is_computed = {values[number].dtype.name for number in (logits, *mean.outputs)} <= {*FLOATS}
    has_ignored = hot.params["ignore_index"] is not None
    return target == hot.outputs[0] and len(dims) == 1 and is_computed and has_ignored


class _Back(NamedTuple):
    """The way back: from the gradient g of the mean over steps that go, to the one that ends it."""

    g: int
    gone: Sequence[Step]
    end: Step


def _way_back(readers: Sequence[Step], losses: int, links: Links, values: Sequence[Value]) -> _Back | None:
    """The steps of the table above, if these two readers of the target begin and end them."""
    named = {reader.name: reader for reader in readers}
    if len(readers) != 2 or set(named) != {"sum", "softmax_cross_entropy_grad"}:
        return None
    total, end = named["sum"], named["softmax_cross_entropy_grad"]
    # Backwards, from the gradient of each row to the one of the mean.
    spread = _only(links.made_only_for(end.inputs[0], end), "expand")
    chosen = spread and _only(links.made_only_for(spread.inputs[0], spread), "where")
    ratio = chosen and _only(links.made_only_for(chosen.inputs[2], chosen), "div")
    divisor = ratio and _only(links.made_only_for(ratio.inputs[1], ratio), "where")
    compare = chosen and _only(links.maker.get(chosen.inputs[0]), "eq")
    if not (spread and chosen and ratio and divisor and compare):
        return None
    nothing, counted, g = compare.outputs[0], total.outputs[0], ratio.inputs[0]
    is_whole = (
        values[counted].shape == values[g].shape == ()
        and values[spread.outputs[0]].shape == values[losses].shape
        and values[g].dtype is values[counted].dtype is values[losses].dtype
        and compare.inputs[0] == divisor.inputs[2] == counted
        and chosen.inputs[0] == divisor.inputs[0] == nothing
        and is_zero(values[compare.inputs[1]])
        and is_zero(values[chosen.inputs[1]])
        and _is_one(values[divisor.inputs[1]])
    )
    is_alone = links.readers[counted] == [compare, divisor] and links.readers[nothing] == [divisor, chosen]
    if not is_whole or not is_alone or not links.kept.isdisjoint((counted, nothing)):
        return None
    return _Back(g, (total, compare, divisor, ratio, chosen, spread), end)


def _only(step: Step | None, name: str) -> Step | None:
    return step if step is not None and step.name == name else None


def _is_one(value: Value) -> bool:
    array: Any = value.array
    return value.kind is Kind.CONSTANT and value.shape == () and array is not None and bool(array == 1)
