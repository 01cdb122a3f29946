"""A captured step does what the step does; what cannot be replayed is refused, with the line that did it."""

from __future__ import annotations

import random
import threading
from contextlib import nullcontext

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn import nn
from tinygrad_cnn._capture import CaptureWarning
from tinygrad_cnn.errors import CaptureError, DataDependentShape, LabelError

PLANS = {"plain plan": 0, "one part": 1, "two parts": 2, "three parts": 3}


@pytest.fixture(params=PLANS.values(), ids=PLANS)
def backend(request, monkeypatch):
    """NumPy's backend with its readable kernels, whose plan calls them in turn, or with its own plan."""
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.plan.plan.WORTH_A_THREAD", 0)
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.kernels.threads.get_num_threads", lambda: request.param)
    with tc.use_backend("numpy", overrides=request.param > 0) as chosen:
        yield chosen


def network():
    tc.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(96, 8),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(8, 3),
    )


def batches(count, size=6):
    rng = np.random.default_rng(0)
    return [
        (tc.tensor(rng.normal(size=(size, 1, 8, 8)).astype("float32")), tc.tensor(rng.integers(0, 3, size)))
        for _ in range(count)
    ]


OPTIMIZERS = {
    "SGD": lambda p: tc.optim.SGD(p, lr=0.1),
    "momentum": lambda p: tc.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: tc.optim.Adam(p, lr=0.01),
    "AdamW": lambda p: tc.optim.AdamW(p, lr=0.01, amsgrad=True),
    "RMSprop": lambda p: tc.optim.RMSprop(p, lr=0.01),
}


def training_step(model, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        return loss, {"logits": logits}

    return step


def trained(wrap, make_optimizer, steps=5):
    """Losses, logits, gradients and state after some steps, with a schedule beside."""
    model = network()
    optimizer = make_optimizer(model.parameters())
    schedule = tc.optim.CosineAnnealingLR(optimizer, T_max=10)
    step = wrap(training_step(model, optimizer))
    told = []
    for x, y in batches(steps):
        loss, extra = step(x, y)
        schedule.step()
        told += [loss, extra["logits"]]
    return [t.numpy() for t in told + [p.grad for p in model.parameters()] + [*model.state_dict().values()]]


@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_replay_does_what_the_step_does(backend, make_optimizer):
    eager, captured = trained(lambda step: step, make_optimizer), trained(tc.capture, make_optimizer)
    for expected, got in zip(eager, captured, strict=True):
        if backend.kernels:  # the sums over the batch are taken in other parts
            np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-5)
        else:
            np.testing.assert_array_equal(got, expected)


def test_the_same_run_twice_gives_the_same_bits(backend):
    first, second = (trained(tc.capture, OPTIMIZERS["momentum"]) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_results_and_arguments_are_not_kept_in_the_memory_of_the_plan(backend):
    step = tc.capture(lambda x: (x, x * 2, [x + 1]))
    first, second = step(tc.tensor([1.0, 2.0])), step(tc.tensor([10.0, 20.0]))
    assert [first[0].tolist(), first[1].tolist(), first[2][0].tolist()] == [[1, 2], [2, 4], [2, 3]]
    assert [second[0].tolist(), second[1].tolist(), second[2][0].tolist()] == [[10, 20], [20, 40], [11, 21]]


def test_results_have_no_graph_and_parameters_are_returned_as_themselves(backend):
    w = tc.tensor(2.0, requires_grad=True)
    step = tc.capture(lambda x: (w * x, w, None, "word"))
    for _ in range(3):
        product, same, nothing, word = step(tc.tensor(3.0))
        assert product.item() == 6
        assert not product.requires_grad
        assert same is w
        assert (nothing, word) == (None, "word")


def test_other_shapes_are_recorded_for_themselves(backend):
    step = tc.capture(lambda x: x.sum())
    for size in (3, 5, 3, 5, 1):
        assert step(tc.ones(size)).item() == size
    assert "3 plans" in repr(step)


def test_the_mode_of_a_module_is_noticed(backend):
    layer = nn.Dropout(0.5)
    step = tc.capture(lambda x: layer(x))
    x = tc.ones(1000)
    assert 0 in step(x).tolist()
    layer.eval()
    assert set(step(x).tolist()) == {1.0}
    layer.train()
    assert 0 in step(x).tolist()
    assert "2 plans" in repr(step)


def test_a_frozen_parameter_is_noticed(backend):
    a, b = (tc.tensor(1.0, requires_grad=True) for _ in range(2))

    def step(x):
        a.grad = b.grad = None
        (a * b * x).backward()

    captured = tc.capture(step)
    captured(tc.tensor(5.0))
    assert (a.grad.item(), b.grad.item()) == (5, 5)
    b.requires_grad_(False)
    captured(tc.tensor(7.0))
    assert a.grad.item() == 7
    assert b.grad is None


def test_an_option_of_the_optimizer_is_noticed(backend):
    w = tc.tensor(1.0, requires_grad=True)
    optimizer = tc.optim.SGD([w], lr=1.0)

    def step():
        optimizer.zero_grad()
        (w * 2).backward()
        optimizer.step()

    captured = tc.capture(step)
    captured()
    assert w.item() == -1
    optimizer.param_groups[0]["maximize"] = True
    captured()
    assert w.item() == 1
    optimizer.param_groups[0]["lr"] = 10.0  # state: nothing has to be recorded again
    captured()
    assert w.item() == 21
    assert "2 plans" in repr(captured)


def test_another_model_of_the_same_name_is_noticed(backend):
    def build():
        return tc.nn.Linear(2, 1, bias=False)

    model = build()
    step = tc.capture(lambda x: model(x))
    x = tc.ones(1, 2)
    assert step(x).item() == pytest.approx(model(x).item())
    model = build()  # a cell of a notebook, run again
    assert step(x).item() == pytest.approx(model(x).item())
    model.weight = nn.Parameter(tc.zeros(1, 2))
    assert step(x).item() == 0


def test_a_number_around_the_step_is_noticed(backend):
    alpha = 1.0
    step = tc.capture(lambda x: x * alpha)
    assert step(tc.tensor(2.0)).item() == 2
    alpha = 5.0
    assert step(tc.tensor(2.0)).item() == 10


def test_an_attribute_of_a_layer_is_noticed(backend):
    layer = nn.Dropout(0.0)
    step = tc.capture(lambda x: layer(x))
    assert set(step(tc.ones(100)).tolist()) == {1.0}
    layer.p = 1.0
    assert set(step(tc.ones(100)).tolist()) == {0.0}


def test_a_step_that_counts_in_python_runs_eagerly_and_right(backend):
    count = 0

    def step(x):
        nonlocal count
        count += 1
        return x * 2 if count % 3 == 0 else x

    captured = tc.capture(step)
    got = []
    for turn in range(1, 13):
        with pytest.warns(CaptureWarning, match="its own doing") if turn == 9 else nullcontext():
            got.append(captured(tc.tensor(1.0)).item())
    assert got == [1, 1, 2] * 4


def test_no_step_is_lost_when_only_every_second_run_changes_something(backend):
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls, self.phase = [], 0

        def forward(self, x):
            self.calls.append(0)
            self.phase = len(self.calls) // 2
            return x * 1.0

    layer, total = Layer(), tc.tensor(0.0)

    def step(x):
        total.assign(total + layer(x))

    captured = tc.capture(step)
    for turn in range(1, 6):
        captured(tc.tensor(1.0))
        assert total.item() == turn


def test_the_number_of_threads_is_noticed(monkeypatch):
    threads = 1
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.plan.plan.WORTH_A_THREAD", 0)
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.kernels.threads.get_num_threads", lambda: threads)
    step = tc.capture(lambda x: x * 2)
    for threads in (1, 2, 1):
        step(tc.ones(4))
        assert len(step.plan.parts) == threads
    assert len(step.plans) == 2


def test_very_many_constants_end_in_a_warning(backend):
    step = tc.capture(lambda x, k: x * k)
    for k in range(15):
        step(tc.tensor(1.0), k)
    with pytest.warns(CaptureWarning, match="16 times"):
        step(tc.tensor(1.0), 15)


def test_what_changes_in_every_call_ends_in_a_warning_and_runs_eagerly(backend):
    w = tc.tensor(1.0, requires_grad=True)
    optimizer = tc.optim.SGD([w], lr=0.5, momentum=0.1)

    def step():
        optimizer.zero_grad()
        (w * 2).backward()
        optimizer.step()
        return w * 1

    captured = tc.capture(step)
    told = []
    for turn in range(12):
        optimizer.param_groups[0]["weight_decay"] = 0.05 * turn
        with pytest.warns(CaptureWarning, match="weight_decay") if turn == 8 else nullcontext():
            told.append(captured().item())
    w.assign(1.0)
    optimizer.state.clear()
    expected = []
    for turn in range(12):
        optimizer.param_groups[0]["weight_decay"] = 0.05 * turn
        expected.append(step().item())
    assert told == expected


@pytest.mark.parametrize("make_optimizer", [OPTIMIZERS["momentum"], OPTIMIZERS["Adam"]], ids=["SGD", "Adam"])
def test_a_schedule_may_move_momentum_and_betas(backend, make_optimizer):
    def run(wrap):
        w = tc.tensor([1.0, -2.0], requires_grad=True)
        optimizer = make_optimizer([w])
        schedule = tc.optim.OneCycleLR(optimizer, max_lr=0.1, total_steps=30)

        @wrap
        def step(x):
            optimizer.zero_grad()
            (w * w * x).sum().backward()
            optimizer.step()

        told = []
        for turn in range(30):
            step(tc.tensor(float(turn)))
            schedule.step() if turn < 29 else None
            told.append(w.tolist())
        return told, step

    captured, step = run(tc.capture)
    assert captured == run(lambda step: step)[0]
    assert "1 plan>" in repr(step)


def test_momentum_may_be_dampened_only_from_the_second_step_on(backend):
    def run(wrap):
        w = tc.tensor(1.0, requires_grad=True)
        optimizer = tc.optim.SGD([w], lr=0.5, momentum=0.5, dampening=0.25)

        def step():
            optimizer.zero_grad()
            (w * w).backward()
            optimizer.step()

        step = wrap(step)
        return [(step(), w.item())[1] for _ in range(5)]

    assert run(tc.capture) == run(lambda step: step)


def test_gradients_can_be_read_after_the_step(backend):
    w = tc.tensor([1.0, 2.0], requires_grad=True)

    def step(x):
        w.grad = None
        (w * x).sum().backward()

    captured = tc.capture(step)
    for value in (3.0, 4.0, 5.0):
        captured(tc.tensor(value))
        assert w.grad.tolist() == [value, value]


def test_a_gradient_may_be_asked_of_an_argument(backend):
    def step(x):
        (x * x).sum().backward()

    captured = tc.capture(step)
    inputs = [tc.tensor([float(k)], requires_grad=True) for k in range(4)]
    for x in inputs:
        captured(x)
    assert [x.grad.item() for x in inputs] == [0, 2, 4, 6]


# --- what cannot be replayed ----------------------------------------------------------------------


def refusal(step, *arguments):
    captured = tc.capture(step)
    with pytest.raises(CaptureError) as caught:
        captured(*arguments)
    return caught.value


READINGS = {
    "item": lambda t: t.item(),
    "numpy": lambda t: t.numpy(),
    "if": lambda t: bool(t > 0),
    "tolist": lambda t: t.tolist(),
    "float": float,
    "asarray": np.asarray,
}


@pytest.mark.parametrize("read", READINGS.values(), ids=READINGS)
def test_reading_a_value_is_refused_and_names_the_line(read):
    def step(x):
        loss = x * 2
        read(loss)
        return loss

    error = refusal(step, tc.tensor(1.0))
    assert "test_capture.py" in str(error.where)
    assert "return the tensor" in error.hint


def test_a_refused_step_has_changed_nothing():
    model = network()
    optimizer = tc.optim.SGD(model.parameters(), lr=0.1)
    inner = training_step(model, optimizer)
    before = [t.numpy().copy() for t in model.state_dict().values()]
    error = refusal(lambda x, y: inner(x, y)[0].item(), *batches(1)[0])
    assert "item()" in error.problem
    for value, expected in zip(model.state_dict().values(), before, strict=True):
        np.testing.assert_array_equal(value.numpy(), expected)


def test_a_number_that_changes_is_refused():
    count = iter(range(1, 100))
    error = refusal(lambda x: x * next(count), tc.tensor(1.0))
    assert error.op == "mul"
    assert "argument of the step" in error.hint


def test_a_parameter_of_an_operation_that_changes_is_refused():
    dims = iter([0, 1, 0, 1])
    error = refusal(lambda x: x.sum(dim=next(dims)), tc.ones(2, 2))
    assert (error.op, error.argument) == ("sum", "dim")


def test_a_decision_by_python_is_refused():
    turns = iter([True, False, True, False])
    error = refusal(lambda x: x.exp() if next(turns) else x.log(), tc.ones(2))
    assert error.op == "log"
    assert "exp" in str(error.expected)


def test_doing_less_or_more_than_before_is_refused():
    turns = iter([3, 2, 2, 1])

    def step(x):
        for _ in range(next(turns)):
            x = x + 1
        return x

    assert "less than the time before" in refusal(step, tc.ones(2)).problem


def test_random_numbers_from_outside_are_refused():
    rng = np.random.default_rng(0)
    error = refusal(lambda x: x + tc.tensor(rng.normal(size=3).astype("float32")), tc.ones(3))
    assert "another one in every call" in error.problem


def test_state_that_is_not_assigned_to_is_refused():
    state = {"average": tc.tensor(0.0)}

    def step(x):
        state["average"] = state["average"] * 0.9 + x * 0.1
        return state["average"]

    assert "assign" in refusal(step, tc.tensor(1.0)).hint


def test_gradients_that_pile_up_are_refused():
    w = tc.tensor(1.0, requires_grad=True)
    w.name = "w"
    captured = tc.capture(lambda x: (w * x).backward())
    with pytest.raises(CaptureError, match="gradient of 'w' piles up") as caught:
        captured(tc.tensor(2.0))
    assert "zero_grad" in caught.value.hint


def test_a_python_number_that_is_returned_must_not_change():
    turns = iter(range(10))
    error = refusal(lambda x: (x * 2, next(turns)), tc.tensor(1.0))
    assert "returns something else" in error.problem


def test_a_schedule_inside_is_refused():
    w = tc.tensor(1.0, requires_grad=True)
    schedule = tc.optim.StepLR(tc.optim.SGD([w], lr=0.1), step_size=100)

    def step(x):
        schedule.step()
        return x * 2

    assert "call it after the step" in refusal(step, tc.tensor(1.0)).hint


@pytest.mark.parametrize("draw", [random.random, np.random.rand], ids=["random", "numpy.random"])
def test_random_decisions_by_python_are_refused(draw):
    def step(x):
        return x if draw() < 2 else -x  # the same both times, by chance

    assert "tc.rand" in refusal(step, tc.tensor(1.0)).expected


def test_shapes_that_depend_on_values_are_refused():
    captured = tc.capture(lambda x: x[x > 0].sum())
    with pytest.raises(DataDependentShape, match="captured"):
        captured(tc.tensor([1.0, -1.0]))


def test_assigning_to_what_the_step_has_made_is_refused():
    def step(x):
        y = (x * 2).detach()
        return y.assign(tc.zeros(2))

    assert "longer than the step" in refusal(step, tc.ones(2)).problem


def test_assigning_to_an_argument_is_refused():
    assert refusal(lambda x: x.assign(tc.zeros(2)), tc.ones(2)).got == "an argument"


def test_arrays_as_arguments_are_refused():
    assert "tc.tensor" in refusal(lambda x: x, np.ones(3)).hint


def test_constants_as_arguments_are_recorded_for_themselves(backend):
    step = tc.capture(lambda x, factor: x * factor)
    assert [step(tc.tensor(2.0), factor).item() for factor in (1, 2, 1, 2)] == [2, 4, 2, 4]


# --- errors and watchers --------------------------------------------------------------------------


def test_an_error_while_replaying_names_the_line_and_changes_nothing(backend):
    model = network()
    optimizer = tc.optim.SGD(model.parameters(), lr=0.1)
    step = tc.capture(training_step(model, optimizer))
    for x, y in batches(3):
        step(x, y)
    before = [p.numpy().copy() for p in model.parameters()]
    x, _ = batches(1)[0]
    with pytest.raises(LabelError, match="label 3 at index") as caught:
        step(x, tc.tensor([0, 1, 2, 3, 0, 1]))
    assert "F.cross_entropy(logits, y)" in str(caught.value.where)
    for parameter, expected in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.numpy(), expected)
    step(x, tc.tensor([0, 1, 2, 0, 0, 1]))  # and it can go on


def test_whoever_watches_sees_operations(backend):
    step = tc.capture(lambda x: x.exp() * 2)
    step(tc.ones(2))
    with tc.record():
        graph = tc.Graph.of(step(tc.ones(2)))
    assert [node.op for node in graph.nodes if node.op] == ["exp", "mul"]


def test_a_step_within_a_step_is_part_of_it(backend):
    inner = tc.capture(lambda x: x * 2)
    outer = tc.capture(lambda x: inner(x) + 1)
    assert [outer(tc.tensor(float(k))).item() for k in range(3)] == [1, 3, 5]
    assert inner.plan is None


def test_a_plan_is_in_one_thread_at_a_time(backend):
    step = tc.capture(lambda x: (x * 2).sum())
    wrong = []

    def work(value):
        got = [step(tc.full((100,), value)).item() for _ in range(50)]
        wrong.extend(one for one in got if one != 200 * value)

    def in_thread(value):
        with tc.use_backend(backend):
            work(value)

    threads = [threading.Thread(target=in_thread, args=(float(k),)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_backend_is_part_of_what_is_noticed():
    step = tc.capture(lambda x: x * 2)
    assert step(tc.tensor(1.0)).item() == 2
    with tc.use_backend("scalar"):
        assert step(tc.tensor(3.0)).item() == 6


def test_only_functions_are_captured():
    with pytest.raises(TypeError, match="function"):
        tc.capture(3)
