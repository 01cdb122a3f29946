"""NumPy's plan of a captured step: every operation, forward and backward, in every number of parts."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn.errors import DataDependentShape
from tinygrad_cnn.testing.samples import arrays, cases, has_gradient
from tinygrad_cnn_backends.numpy.plan import plan as plan_module

PARTS = (1, 2, 3)


@pytest.fixture(params=PARTS, ids=lambda parts: f"{parts} parts")
def parts(request, monkeypatch):
    """Cut every batch into so many parts, however small it is."""
    monkeypatch.setattr(plan_module, "WORTH_A_THREAD", 0)
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.kernels.threads.get_num_threads", lambda: request.param)
    return request.param


def step_of(case):
    """All public outputs of an operation, and the gradients of a weighted sum of the first."""
    differentiable = has_gradient(case)

    def step(*inputs):
        outputs = case.op(*inputs, **case.sample.params)
        first = outputs[0] if isinstance(outputs, tuple) else outputs
        if not differentiable:
            return outputs, ()
        weights = tc.arange(first.numel(), dtype=first.dtype).reshape(first.shape) * 0.125 + 1
        wanted = [value for value in inputs if value.requires_grad]
        return outputs, tc.grad((first * weights).sum(), wanted)

    return step


def inputs_of(case, factor):
    """The case's inputs, a little different for another factor."""
    result = []
    for position, array in enumerate(arrays(case)):
        is_real = array.dtype.kind == "f"
        needs = is_real and case.op.input_name(position) in case.op.rules
        result.append(tc.tensor(array * factor if is_real else array, requires_grad=needs))
    return result


def flat(value):
    if isinstance(value, (tuple, list)):
        return [one for part in value for one in flat(part)]
    return [] if value is None else [value.numpy()]


REPLAYABLE = [case for case in cases() if not case.op.mutates]  # an argument cannot be assigned to


@pytest.mark.parametrize("case", REPLAYABLE, ids=repr)
def test_every_operation_is_replayed_as_it_runs(case, parts):
    step = step_of(case)
    captured = tc.capture(step)
    for factor in (1.0, 1.0 + 2**-6):
        expected, got = flat(step(*inputs_of(case, factor))), flat(captured(*inputs_of(case, factor)))
        for one, other in zip(expected, got, strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)


NETWORKS = {
    "LeNet5": (tc.models.LeNet5, (5, 1, 28, 28)),
    "SmallCNN": (tc.models.SmallCNN, (5, 1, 28, 28)),
    "MLP": (tc.models.MLP, (5, 1, 28, 28)),
}


@pytest.mark.parametrize(("make", "shape"), NETWORKS.values(), ids=NETWORKS)
def test_networks_learn_the_same(make, shape, parts):
    def losses(wrap):
        tc.manual_seed(1)
        model = make().double()
        optimizer = tc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        x = tc.tensor(np.random.default_rng(0).normal(size=shape))
        y = tc.tensor([0, 1, 2, 3, 4])

        @wrap
        def step(x, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return [step(x, y).item() for _ in range(4)], step

    expected, _ = losses(lambda step: step)
    got, step = losses(tc.capture)
    np.testing.assert_allclose(got, expected, rtol=1e-10)
    assert len(step.plan.parts) == parts
    # Everything on the way of an image is done in parts; what is left is small.
    for task in step.plan.tasks:
        if task.once:
            assert all(
                cell.shape[:1] != (5,) or len(cell.shape) < 3 for job in task.jobs for cell in job.writes
            )


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_a_batch_smaller_than_the_threads_is_cut_into_single_images(batch, parts):
    layer = tc.nn.Conv2d(1, 2, 3)
    step = tc.capture(lambda x: layer(x).relu().sum(dim=(1, 2, 3)))
    x = tc.randn(batch, 1, 6, 6)
    np.testing.assert_allclose(step(x).numpy(), step.step(x).numpy(), rtol=1e-5)
    assert len(step.plan.parts) == min(batch, parts)


def test_an_empty_batch_goes_through(parts):
    layer = tc.nn.Conv2d(1, 2, 3)
    step = tc.capture(lambda x: layer(x))
    assert step(tc.zeros(0, 1, 6, 6)).shape == (0, 2, 4, 4)


def test_what_a_check_refuses_is_refused_in_replays_too(parts):
    step = tc.capture(lambda p: F.binary_cross_entropy(p, p))
    step(tc.full((6,), 0.5))
    with pytest.raises(ValueError, match="out of range"):
        step(tc.tensor([0.5, 0.5, 0.5, 0.5, 0.5, 1.5]))


def test_a_wrong_label_is_named_by_its_place_in_the_whole_batch(parts):
    step = tc.capture(lambda x, labels: F.cross_entropy(x, labels))
    x, labels = tc.zeros(8, 3), np.zeros(8, np.int64)
    step(x, tc.tensor(labels))
    labels[6] = 3
    with pytest.raises(tc.errors.LabelError, match="label 3 at index 6 names no class"):
        step(x, tc.tensor(labels))


def test_values_of_one_part_are_not_overwritten_while_the_other_reads(parts):
    """Deep and narrow: many meetings, and much memory that is used again."""
    layers = [tc.nn.Linear(16, 16) for _ in range(12)]

    def step(x):
        for layer in layers:
            x = (x + layer(x).tanh()).tanh() * (1 - x.mean(dim=0))
        return x

    captured = tc.capture(step)
    for _ in range(20):
        x = tc.randn(9, 16)
        np.testing.assert_allclose(captured(x).numpy(), step(x).numpy(), rtol=2e-4, atol=1e-5)


SELVES = {
    "its transpose": lambda s: s.T * 0.5 + 1,
    "its first row": lambda s: s * s[:1],
    "its last row, by way of a product": lambda s: s + s[-1:] * 0.25,
    "its reverse": lambda s: s.flip(0) - s * 0.5,
}


@pytest.mark.parametrize("new", SELVES.values(), ids=SELVES)
def test_state_that_is_computed_from_a_view_of_itself(new, parts):
    start = np.random.default_rng(0).normal(size=(256, 256))

    def run(wrap):
        state = tc.tensor(start)

        @wrap
        def step():
            state.assign(new(state))

        for _ in range(3):
            step()
        return state.numpy().copy()

    np.testing.assert_allclose(run(tc.capture), run(lambda step: step), rtol=1e-12)


def test_a_plan_uses_less_memory_than_its_values(parts):
    model = tc.models.SmallCNN()
    step = tc.capture(lambda x: model(x))
    with tc.no_grad():
        step(tc.zeros(6, 1, 28, 28))
    for pool in step.plan.pools.values():
        assert pool.nbytes <= pool.nbytes_unshared + 64 * len(pool.cells)
    first = step.plan.pools[0]
    assert first.nbytes < 0.7 * first.nbytes_unshared


def test_shapes_that_depend_on_values_are_refused(parts):
    with pytest.raises(DataDependentShape):
        tc.capture(lambda x: x[x > 0])(tc.ones(3))
