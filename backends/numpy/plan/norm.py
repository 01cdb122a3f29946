"""Batch normalization over a batch that is cut: the parts have to tell each other their statistics.

    each   mean and squares of its part
    once   the mean and variance of all
    each   its part of the result

and backward the same with the sums of the gradients. Mean and variance stay in float64 from the forward to
the backward pass; what the program knows as such are copies in its own dtype.
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_cnn._steps import Step

from .cells import Cell
from .lower import Lowering, title
from .tasks import Job, Read, Task

EXACT = np.dtype(np.float64)


def batch_norm(lowering: Lowering, step: Step) -> None:
    """x, weight, bias -> out, mean, var."""
    x, weight, bias = step.inputs
    out, mean, var = step.outputs
    shape = lowering.values[x].shape
    parts, channels = len(lowering.parts), shape[1]
    counts = [lowering.size(part) * math.prod(shape[2:]) for part in lowering.parts]
    means, squares = (lowering.temporary((parts, channels), EXACT, name) for name in ("means", "squares"))
    exact_mean, exact_var = (lowering.temporary((channels,), EXACT, name) for name in ("mean", "variance"))
    lowering.exact.update({mean: exact_mean, var: exact_var})

    name = title(step)
    inputs = [lowering.read(x, 0, part) for part in lowering.parts]
    jobs = [
        Job("batch_norm_statistics", [inputs[part]], [means.row(part), squares.row(part)], {})
        for part in lowering.parts
    ]
    lowering.tasks.append(Task(f"{name}: statistics of the part", jobs, once=False, calls=step.calls))
    job = Job("combine_statistics", [Read(means), Read(squares)], [exact_mean, exact_var], {"counts": counts})
    lowering.tasks.append(Task(f"{name}: statistics of all", [job], once=True, calls=step.calls))
    for number, exact in ((mean, exact_mean), (var, exact_var)):
        lowering.places[number] = None
        if lowering.is_read(number, besides="batch_norm_grad"):
            rounded = lowering.new(number, None, (channels,))
            lowering.tasks.append(
                Task(
                    f"{name}: rounded",
                    [Job("cast", [Read(exact)], [rounded], {})],
                    once=True,
                    calls=step.calls,
                )
            )

    lowering.places[out] = 0
    shared = [Read(lowering.whole(weight)), Read(lowering.whole(bias)), Read(exact_mean), Read(exact_var)]
    jobs = [
        Job("batch_norm_apply", [inputs[part], *shared], [lowering.new_part(out, part)], step.params)
        for part in lowering.parts
    ]
    lowering.tasks.append(Task(name, jobs, once=False, calls=step.calls))


def batch_norm_grad(lowering: Lowering, step: Step) -> None:
    """g, x, weight, mean, var [, output of a ReLU] -> gradients of x, weight, bias."""
    g, x, weight, mean, var, *relu_out = step.inputs
    dx, dweight, dbias = step.outputs
    shape = lowering.values[x].shape
    channels = shape[1]
    name = title(step)
    exact_mean, exact_var = (_exact(lowering, number, name) for number in (mean, var))
    sums = [lowering.temporary((2, channels), EXACT, "sums", part) for part in lowering.parts]
    grads, jobs = [], []
    for part in lowering.parts:
        reads = [lowering.read(g, 0, part), lowering.read(x, 0, part), Read(exact_mean)]
        grad, writes = reads[0], [sums[part]]
        if relu_out:
            reads.append(lowering.read(relu_out[0], 0, part))
            kept = lowering.temporary(
                (lowering.size(part), *shape[1:]), grad.cell.dtype, "masked", part, order=0
            )
            writes.append(kept)
            grad = Read(kept)
        grads.append(grad)
        jobs.append(Job("batch_norm_grad_sums", reads, writes, {}))
    lowering.tasks.append(Task(f"{name}: sums of the part", jobs, once=False, calls=step.calls))

    total = lowering.temporary((2, channels), EXACT, "sums")
    job = Job("sum of parts", [Read(cell) for cell in sums], [total], {})
    lowering.tasks.append(Task(f"{name}: sums of all", [job], once=True, calls=step.calls))
    for number in (dweight, dbias):
        lowering.places[number] = None
    writes = [lowering.new(number, None, (channels,)) for number in (dweight, dbias)]
    job = Job("batch_norm_parameter_grads", [Read(exact_var), Read(total)], writes, step.params)
    lowering.tasks.append(Task(f"{name}: of weight and bias", [job], once=True, calls=step.calls))

    lowering.places[dx] = 0
    shared = [Read(lowering.whole(weight)), Read(exact_mean), Read(exact_var), Read(total)]
    params = {**step.params, "count": math.prod((shape[0], *shape[2:]))}
    jobs = [
        Job(
            "batch_norm_grad_apply",
            [grads[part], lowering.read(x, 0, part), *shared],
            [lowering.new_part(dx, part)],
            params,
        )
        for part in lowering.parts
    ]
    lowering.tasks.append(Task(name, jobs, once=False, calls=step.calls))


def _exact(lowering: Lowering, number: int, name: str) -> Cell:
    """A statistic in float64: as the forward pass left it, or what the program has."""
    if number not in lowering.exact:
        whole = lowering.whole(number)
        cell = lowering.exact[number] = lowering.temporary(whole.shape, EXACT, "statistic")
        job = Job("cast", [Read(whole)], [cell], {})
        lowering.tasks.append(Task(f"{name}: in float64", [job], once=True))
    return lowering.exact[number]


IN_PHASES = {"batch_norm": batch_norm, "batch_norm_grad": batch_norm_grad}
