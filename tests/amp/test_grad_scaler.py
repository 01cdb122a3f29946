"""GradScaler: scaled losses, unscaled gradients, steps that an overflow leaves out."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    CaptureError,
    GradientError,
    StateDictError,
)

FINITE, INFINITE = (1.0, -2.0), (float("inf"), 1.0)


def leaf():
    return tc.tensor([3.0, 4.0], requires_grad=True)


def make_step(optimizer, scaler, w):
    def step(x):
        optimizer.zero_grad()
        loss = (w * x).sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss

    return step


OPTIMIZERS = {
    "SGD": lambda w: tc.optim.SGD([w], lr=0.1, momentum=0.9),
    "Adam": lambda w: tc.optim.Adam([w], lr=0.1),
    "RMSprop": lambda w: tc.optim.RMSprop([w], lr=0.1, momentum=0.5),
}
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
each_way = pytest.mark.parametrize("wrap", [lambda step: step, tc.capture], ids=["eager", "captured"])


def memory(optimizer, w):
    state = {name: value.numpy().copy() for name, value in optimizer.state[w].items()}
    return {"w": w.numpy().copy(), **state}


@each_optimizer
@each_way
def test_an_overflow_changes_nothing_but_the_scale(make, wrap):
    w = leaf()
    optimizer, scaler = make(w), tc.amp.GradScaler(init_scale=8.0)
    step = wrap(make_step(optimizer, scaler, w))
    step(tc.tensor(FINITE))
    before = memory(optimizer, w)
    for bad in (INFINITE, (float("nan"), 0.0)):
        step(tc.tensor(bad))
        after = memory(optimizer, w)
        assert set(after) == set(before)
        for name, value in before.items():
            np.testing.assert_array_equal(after[name], value, name)
    assert scaler.get_scale() == 2.0
    step(tc.tensor(FINITE))
    assert not np.array_equal(w.numpy(), before["w"])


@each_optimizer
@each_way
def test_steps_without_overflow_are_the_optimizers_own(make, wrap):
    w, other = leaf(), leaf()
    optimizer, plain = make(w), make(other)
    step = wrap(make_step(optimizer, tc.amp.GradScaler(init_scale=2.0**10), w))
    for x in (FINITE, (0.5, 0.25), FINITE):
        step(tc.tensor(x))
        plain.zero_grad()
        (other * tc.tensor(x)).sum().backward()
        plain.step()
    for name, value in memory(plain, other).items():
        np.testing.assert_array_equal(memory(optimizer, w)[name], value, name)


def test_a_large_sum_of_finite_gradients_is_no_overflow():
    w = tc.tensor(np.zeros(4, np.float32), requires_grad=True)
    optimizer, scaler = tc.optim.SGD([w], lr=1e-38), tc.amp.GradScaler(init_scale=1.0)
    scaler.scale((w * 3e38).sum()).backward()
    scaler.step(optimizer)
    assert (w.numpy() < 0).all()


@each_way
def test_the_scale_grows_after_so_many_steps_and_shrinks_after_an_overflow(wrap):
    w = leaf()
    optimizer = tc.optim.SGD([w], lr=0.1)
    scaler = tc.amp.GradScaler(16.0, growth_factor=4.0, backoff_factor=0.25, growth_interval=3)
    step, scales = wrap(make_step(optimizer, scaler, w)), []
    for x in [FINITE] * 4 + [INFINITE] + [FINITE] * 3:
        step(tc.tensor(x))
        scales.append(scaler.get_scale())
    assert scales == [16.0, 16.0, 64.0, 64.0, 16.0, 16.0, 16.0, 64.0]


def test_the_scale_never_becomes_infinite():
    w = tc.tensor([1e-30], requires_grad=True)
    scaler = tc.amp.GradScaler(2.0**127, growth_interval=1)
    with np.errstate(over="ignore"):
        make_step(tc.optim.SGD([w], lr=0.1), scaler, w)(tc.tensor([1e-30]))
    assert scaler.get_scale() == 2.0**127


def test_a_scale_saves_gradients_that_float16_would_lose():
    def gradient(scaler):
        w = leaf()
        optimizer = tc.optim.SGD([w], lr=1.0)
        with tc.amp.autocast(tc.float16):
            y = w.reshape(1, 2) @ tc.tensor([[1e-3], [1e-3]])
        scaler.scale((y.to(tc.float32) * 1e-7).sum()).backward()
        scaler.unscale_(optimizer)
        return w.grad.numpy()

    assert (gradient(tc.amp.GradScaler(enabled=False)) == 0).all()
    np.testing.assert_allclose(gradient(tc.amp.GradScaler()), 1e-10, rtol=1e-2)


def test_gradients_can_be_looked_at_before_the_step():
    w = leaf()
    optimizer, scaler = tc.optim.SGD([w], lr=1.0), tc.amp.GradScaler()
    scaler.scale((w * tc.tensor([30.0, 40.0])).sum()).backward()
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [30.0, 40.0]
    tc.nn.utils.clip_grad_norm_([w], 5.0)
    scaler.step(optimizer)  # which does not unscale again
    np.testing.assert_allclose(w.numpy(), [0.0, 0.0], atol=1e-5)


def test_several_optimizers_share_a_scale():
    first, second = leaf(), leaf()
    optimizers = [tc.optim.SGD([one], lr=1.0) for one in (first, second)]
    scaler = tc.amp.GradScaler(4.0)
    scaler.scale(first.sum() + (second * tc.tensor(INFINITE)).sum()).backward()
    for optimizer in optimizers:
        scaler.step(optimizer)
    scaler.update()
    assert (first.tolist(), second.tolist(), scaler.get_scale()) == ([2.0, 3.0], [3.0, 4.0], 2.0)


def test_not_enabled_it_does_nothing():
    w = leaf()
    optimizer, scaler = tc.optim.SGD([w], lr=1.0), tc.amp.GradScaler(enabled=False)
    loss = (w * tc.tensor(INFINITE)).sum()
    assert scaler.scale(loss) is loss
    loss.backward()
    scaler.step(optimizer)
    scaler.update()
    assert w.numpy()[0] == -np.inf
    assert (scaler.get_scale(), scaler.state_dict()) == (1.0, {})


def test_state_goes_on_where_it_was_taken():
    w = leaf()
    scaler = tc.amp.GradScaler(16.0, growth_factor=4.0, growth_interval=2)
    make_step(tc.optim.SGD([w], lr=0.1), scaler, w)(tc.tensor(FINITE))
    saved = scaler.state_dict()
    assert saved == {
        "scale": 16.0,
        "growth_factor": 4.0,
        "backoff_factor": 0.5,
        "growth_interval": 2,
        "_growth_tracker": 1,
    }
    other = tc.amp.GradScaler()
    other.load_state_dict(saved)
    make_step(tc.optim.SGD([w], lr=0.1), other, w)(tc.tensor(FINITE))
    assert other.get_scale() == 64.0
    other.load_state_dict(saved)  # also when there is state already
    assert other.state_dict() == saved
    with pytest.raises(StateDictError):
        other.load_state_dict({})
    assert other.state_dict() == saved


def test_a_captured_step_notices_another_interval():
    w = leaf()
    scaler = tc.amp.GradScaler(16.0, growth_interval=100)
    step = tc.capture(make_step(tc.optim.SGD([w], lr=0.1), scaler, w))
    step(tc.tensor(FINITE))
    scaler.growth_interval = 2
    step(tc.tensor(FINITE))
    assert scaler.get_scale() == 32.0


def test_the_scale_cannot_be_read_in_a_captured_step():
    w = leaf()
    scaler = tc.amp.GradScaler()
    step = make_step(tc.optim.SGD([w], lr=0.1), scaler, w)
    step(tc.tensor(FINITE))
    with pytest.raises(CaptureError):
        tc.capture(lambda x: (step(x), scaler.get_scale()))(tc.tensor(FINITE))


@pytest.mark.parametrize(
    "options",
    [
        {"init_scale": 0.0},
        {"init_scale": float("inf")},
        {"growth_factor": 1.0},
        {"backoff_factor": 0.0},
        {"backoff_factor": 1.0},
        {"growth_interval": 0},
    ],
    ids=str,
)
def test_factors_that_make_no_sense(options):
    with pytest.raises(ArgumentError) as caught:
        tc.amp.GradScaler(**options)
    assert caught.value.argument == next(iter(options))


@pytest.mark.parametrize(
    ("call", "argument", "hint"),
    [
        (lambda scaler: tc.amp.GradScaler("cuda"), "init_scale", "where the loss is: GradScaler()"),
        (lambda scaler: tc.amp.GradScaler(device="cuda"), "device", "where the loss is: GradScaler()"),
        (lambda scaler: tc.amp.GradScaler(init_scale="x"), "init_scale", None),
        (lambda scaler: tc.amp.GradScaler(growth_factor=True), "growth_factor", None),
        (lambda scaler: tc.amp.GradScaler(enabled="no"), "enabled", None),
        (lambda scaler: scaler.scale(3.0), "outputs", "scaler.scale(loss)"),
        (lambda scaler: scaler.step(tc.nn.Linear(2, 3)), "optimizer", "scaler.step(optimizer)"),
        (lambda scaler: scaler.unscale_(tc.nn.Linear(2, 3)), "optimizer", "scaler.unscale_(optimizer)"),
        (lambda scaler: scaler.update("x"), "new_scale", None),
    ],
)
def test_arguments_of_a_wrong_kind(call, argument, hint):
    with pytest.raises(ArgumentTypeError) as caught:
        call(tc.amp.GradScaler())
    error = caught.value
    assert error.argument == argument
    assert None not in (error.expected, error.got)
    assert hint in error.hint if hint else error.hint is None


def test_the_scale_can_be_set_to_what_makes_sense():
    scaler = tc.amp.GradScaler()
    scaler.scale(leaf().sum())
    scaler.update(8)
    for senseless in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ArgumentError) as caught:
            scaler.update(senseless)
        assert caught.value.argument == "new_scale"
    assert scaler.get_scale() == 8.0


def test_calls_in_a_wrong_order():
    w = leaf()
    optimizer, scaler = tc.optim.SGD([w], lr=1.0), tc.amp.GradScaler()
    with pytest.raises(GradientError, match="no gradients"):
        scaler.update()
    with pytest.raises(GradientError, match="no gradients"):
        scaler.step(optimizer)
    scaler.scale(w.sum()).backward()
    with pytest.raises(ArgumentError):
        scaler.step(optimizer, lambda: None)
    scaler.unscale_(optimizer)
    with pytest.raises(GradientError, match="unscaled") as caught:
        scaler.unscale_(optimizer)
    assert caught.value.hint == "scaler.update()"
    scaler.step(optimizer)
    with pytest.raises(GradientError, match="made its step") as caught:
        scaler.step(optimizer)
    assert caught.value.hint == "scaler.update()"
