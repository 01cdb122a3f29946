"""Optimizers and gradient clipping: twenty steps beside PyTorch's, weights and state, in float64."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest
from parity.compare import torch

import tinygrad_cnn as tc
from tinygrad_cnn import optim

STEPS = 20
SHAPES = [(3, 2), (4,), ()]


def grid(**options):
    """Every combination of the values."""
    return [dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())]


BOOLS = [False, True]
BETAS = [(0.9, 0.999), (0.5, 0.7)]
# Both are one function for all optimizers; SGD tries every combination.
SENSES = [{"weight_decay": 0.0, "maximize": True}, {"weight_decay": 0.1, "maximize": False}]


def cases(name, senses=SENSES, **options):
    return [(name, {**chosen, **sense}) for chosen in grid(**options) for sense in senses]


CASES = [
    *[
        (name, options)
        for name, options in cases(
            "SGD",
            grid(weight_decay=[0.0, 0.1], maximize=BOOLS),
            lr=[0.05],
            momentum=[0.0, 0.8],
            dampening=[0.0, 0.3],
            nesterov=BOOLS,
        )
        if not options["nesterov"] or (options["momentum"] and not options["dampening"])
    ],
    *cases("Adagrad", lr_decay=[0.0, 0.1], initial_accumulator_value=[0.0, 0.5], eps=[1e-10, 0.1]),
    *cases("Adadelta", rho=[0.9, 0.5], eps=[1e-6, 0.1]),
    *cases("RMSprop", alpha=[0.99, 0.5], eps=[1e-8, 0.1], momentum=[0.0, 0.8], centered=BOOLS),
    *cases("Adam", betas=BETAS, eps=[1e-8, 0.1], amsgrad=BOOLS),
    *cases("Adam", decoupled_weight_decay=[True]),
    *cases("AdamW", betas=BETAS, eps=[1e-8, 0.1], amsgrad=BOOLS),
    *cases("NAdam", betas=BETAS, eps=[1e-8, 0.1], momentum_decay=[0.004, 0.3], decoupled_weight_decay=BOOLS),
    # Rectified from step 6 on, from step 8 on, and never.
    *cases(
        "RAdam",
        betas=[(0.9, 0.999), (0.8, 0.75), (0.5, 0.6)],
        eps=[1e-8, 0.1],
        decoupled_weight_decay=BOOLS,
    ),
    *cases("Adamax", betas=BETAS, eps=[1e-8, 0.1]),
    *cases(
        "Rprop",
        [{"maximize": False}, {"maximize": True}],
        lr=[0.05],
        etas=[(0.5, 1.2), (0.3, 3.0)],
        step_sizes=[(1e-6, 50.0), (0.04, 0.06)],
    ),
]
NAMES = ["SGD", "Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Rprop"]


@pytest.fixture(autouse=True)
def _torch_counts_in_float64():
    """PyTorch keeps NAdam's product of momenta in its default dtype."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def start(library, shapes=SHAPES):
    rng = np.random.default_rng(1)
    return [library(rng.standard_normal(shape), requires_grad=True) for shape in shapes]


def gradient(step, number, shape):
    """Gradients that change sign and size; parameter 1 has none in every third step, 2 none in the first."""
    if (number == 1 and step % 3 == 1) or (number == 2 and step == 0):
        return None
    rng = np.random.default_rng([step, number])
    return np.asarray(rng.standard_normal(shape) * 10.0 ** rng.integers(-2, 2))


def take_steps(library, optimizer, params, steps):
    for step in steps:
        for number, parameter in enumerate(params):
            value = gradient(step, number, tuple(parameter.shape))
            parameter.grad = None if value is None else library(value)
        optimizer.step()


def assert_same(ours, theirs, params, reference):
    for mine, right in zip(params, reference, strict=True):
        np.testing.assert_allclose(mine.numpy(), right.detach().numpy(), rtol=1e-11, atol=1e-13)
    state, expected = ours.state_dict()["state"], theirs.state_dict()["state"]
    assert state.keys() == expected.keys()
    for number, entries in expected.items():
        assert state[number].keys() == entries.keys()
        for name, right in entries.items():
            np.testing.assert_allclose(
                state[number][name].numpy(), right.numpy(), rtol=1e-11, atol=1e-13, err_msg=name
            )


@pytest.mark.parametrize("name", NAMES)
def test_arguments_and_defaults_are_pytorchs(name):
    mine = inspect.signature(getattr(optim, name)).parameters
    theirs = inspect.signature(getattr(torch.optim, name)).parameters
    left_out = {"foreach", "fused", "capturable", "differentiable"}
    assert {p: mine[p].default for p in mine} == {p: theirs[p].default for p in theirs if p not in left_out}
    by_place = [p for p in mine if mine[p].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert by_place == [p for p in theirs if p not in left_out][: len(by_place)]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_twenty_steps(name, options):
    params, reference = start(tc.tensor), start(torch.tensor)
    ours, theirs = getattr(optim, name)(params, **options), getattr(torch.optim, name)(reference, **options)
    take_steps(tc.tensor, ours, params, range(STEPS))
    take_steps(torch.tensor, theirs, reference, range(STEPS))
    assert_same(ours, theirs, params, reference)


OTHER_OPTIONS = {
    "SGD": {"lr": 0.2, "momentum": 0.9, "weight_decay": 0.5},
    "Adagrad": {"lr": 0.2, "lr_decay": 0.5},
    "Adadelta": {"lr": 0.2, "rho": 0.7},
    "RMSprop": {"lr": 0.2, "momentum": 0.9, "centered": True},
    "Adam": {"lr": 0.2, "amsgrad": True},
    "AdamW": {"lr": 0.2, "weight_decay": 0.5},
    "NAdam": {"lr": 0.2, "momentum_decay": 0.5},
    "RAdam": {"lr": 0.2, "betas": (0.6, 0.8)},
    "Adamax": {"lr": 0.2, "betas": (0.6, 0.8)},
    "Rprop": {"lr": 0.2, "etas": (0.1, 2.0)},
}


def in_groups(kind, params, other):
    """The first parameter with options of its own, changed halfway."""
    return kind([{"params": params[:1], **other}, {"params": params[1:]}], lr=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_groups_with_options_of_their_own(name):
    params, reference = start(tc.tensor), start(torch.tensor)
    ours = in_groups(getattr(optim, name), params, OTHER_OPTIONS[name])
    theirs = in_groups(getattr(torch.optim, name), reference, OTHER_OPTIONS[name])
    for library, optimizer, values in ((tc.tensor, ours, params), (torch.tensor, theirs, reference)):
        take_steps(library, optimizer, values, range(STEPS // 2))
        optimizer.param_groups[0]["lr"] = 0.01
        take_steps(library, optimizer, values, range(STEPS // 2, STEPS))
    assert_same(ours, theirs, params, reference)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_began_in_pytorch_goes_on_here(name):
    reference = start(torch.tensor)
    theirs = in_groups(getattr(torch.optim, name), reference, OTHER_OPTIONS[name])
    take_steps(torch.tensor, theirs, reference, range(8))
    saved = theirs.state_dict()
    saved["state"] = {
        number: {key: value.numpy().copy() for key, value in entries.items()}
        for number, entries in saved["state"].items()
    }
    params = [tc.tensor(value.detach().numpy(), requires_grad=True) for value in reference]
    ours = in_groups(getattr(optim, name), params, {})
    ours.load_state_dict(saved)
    take_steps(torch.tensor, theirs, reference, range(8, STEPS))
    take_steps(tc.tensor, ours, params, range(8, STEPS))
    assert_same(ours, theirs, params, reference)


@pytest.mark.parametrize("name", NAMES)
def test_extreme_gradients(name):
    """0, huge, tiny, infinite and NaN gradients do what they do in PyTorch."""
    values = [np.zeros(5), np.array([0.0, 1e150, 1e-150, np.inf, np.nan]), np.ones(5)]
    params, reference = start(tc.tensor, [(5,)]), start(torch.tensor, [(5,)])
    ours, theirs = getattr(optim, name)(params), getattr(torch.optim, name)(reference)
    for library, optimizer, (parameter,) in ((tc.tensor, ours, params), (torch.tensor, theirs, reference)):
        for value in values:
            parameter.grad = library(value)
            optimizer.step()
    got, expected = params[0].numpy(), reference[0].detach().numpy()
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(got), finite)  # ∞ there may be NaN here: neither is of use
    np.testing.assert_allclose(got[finite], expected[finite], rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_float32(name):
    params = [tc.tensor(value.numpy().astype("float32"), requires_grad=True) for value in start(tc.tensor)]
    reference = [torch.tensor(value.numpy().copy(), requires_grad=True) for value in params]
    ours, theirs = getattr(optim, name)(params), getattr(torch.optim, name)(reference)
    take_steps(lambda g: tc.tensor(g, dtype="float32"), ours, params, range(STEPS))
    take_steps(lambda g: torch.tensor(g, dtype=torch.float32), theirs, reference, range(STEPS))
    for mine, right in zip(params, reference, strict=True):
        assert mine.dtype is tc.float32
        np.testing.assert_allclose(mine.numpy(), right.detach().numpy(), rtol=2e-5, atol=1e-6)


def test_momentum_switched_on_halfway():
    params, reference = start(tc.tensor), start(torch.tensor)
    options = {"lr": 0.05, "dampening": 0.4}
    ours, theirs = optim.SGD(params, **options), torch.optim.SGD(reference, **options)
    for library, optimizer, values in ((tc.tensor, ours, params), (torch.tensor, theirs, reference)):
        take_steps(library, optimizer, values, range(5))
        optimizer.param_groups[0]["momentum"] = 0.9
        take_steps(library, optimizer, values, range(5, 10))
    assert_same(ours, theirs, params, reference)


# --- clipping -------------------------------------------------------------------------------------


def with_gradients(library, scale):
    params = start(library, [*SHAPES, (2,)])
    for number, parameter in enumerate(params[:3]):
        value = np.random.default_rng([7, number]).standard_normal(tuple(parameter.shape))
        parameter.grad = library(np.asarray(value) * scale)
    return params


def assert_gradients_same(params, reference):
    for mine, right in zip(params, reference, strict=True):
        assert (mine.grad is None) == (right.grad is None)
        if mine.grad is not None:
            np.testing.assert_allclose(mine.grad.numpy(), right.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("norm_type", [2, 1, 3.5, 0.5, 0, float("inf"), -float("inf"), "inf"])
@pytest.mark.parametrize("max_norm", [0.0, 0.3, 100.0, float("inf")])
@pytest.mark.parametrize("scale", [1.0, 0.0])
def test_clip_grad_norm(norm_type, max_norm, scale):
    params, reference = with_gradients(tc.tensor, scale), with_gradients(torch.tensor, scale)
    norm = tc.nn.utils.clip_grad_norm_(params, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(reference, max_norm, norm_type)
    np.testing.assert_allclose(norm.numpy(), expected.numpy(), rtol=1e-12)
    assert_gradients_same(params, reference)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_grad_norm_of_what_is_not_finite(bad):
    params, reference = with_gradients(tc.tensor, 1.0), with_gradients(torch.tensor, 1.0)
    params[1].grad = tc.tensor([1.0, bad, 0.0, 2.0], dtype="float64")
    reference[1].grad = torch.tensor([1.0, bad, 0.0, 2.0])
    tc.nn.utils.clip_grad_norm_(params, 1.0)
    torch.nn.utils.clip_grad_norm_(reference, 1.0)
    assert_gradients_same(params, reference)


def test_clip_grad_norm_of_two_dtypes():
    arrays = [np.arange(4.0), np.arange(3.0, dtype="float32")]
    params = [tc.tensor(array, requires_grad=True) for array in arrays]
    reference = [torch.tensor(array, requires_grad=True) for array in arrays]
    for several in (params, reference):
        for parameter in several:
            parameter.grad = parameter.detach() * 2
    norm = tc.nn.utils.clip_grad_norm_(params, 1.0)
    expected = torch.nn.utils.clip_grad_norm_(reference, 1.0)
    assert norm.item() == pytest.approx(expected.item(), rel=1e-6)
    for mine, right in zip(params, reference, strict=True):
        assert str(mine.grad.dtype) == str(right.grad.dtype).removeprefix("torch.")
        np.testing.assert_allclose(mine.grad.numpy(), right.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("clip_value", [0.0, 0.5, float("inf")])
def test_clip_grad_value(clip_value):
    params, reference = with_gradients(tc.tensor, 1.0), with_gradients(torch.tensor, 1.0)
    tc.nn.utils.clip_grad_value_(params, clip_value)
    torch.nn.utils.clip_grad_value_(reference, clip_value)
    assert_gradients_same(params, reference)


def test_parameters_as_a_vector():
    params, reference = start(tc.tensor), start(torch.tensor)
    vector = tc.nn.utils.parameters_to_vector(params)
    expected = torch.nn.utils.parameters_to_vector(reference)
    np.testing.assert_array_equal(vector.numpy(), expected.detach().numpy())
    (vector * vector).sum().backward()
    (expected * expected).sum().backward()
    assert_gradients_same(params, reference)
    tc.nn.utils.vector_to_parameters(vector.detach() * 2, params)
    torch.nn.utils.vector_to_parameters(expected.detach() * 2, reference)
    for mine, right in zip(params, reference, strict=True):
        np.testing.assert_array_equal(mine.numpy(), right.detach().numpy())


# --- averaged weights -----------------------------------------------------------------------------


@pytest.mark.parametrize("use_buffers", BOOLS)
@pytest.mark.parametrize("decay", [None, 0.9])
def test_averaged_models(use_buffers, decay):
    averages = []
    for library, tensor in ((tc, tc.tensor), (torch, torch.tensor)):
        room = optim if library is tc else torch.optim.swa_utils
        model = library.nn.BatchNorm1d(3).double()
        averaged = room.AveragedModel(
            model, avg_fn=None if decay is None else room.get_ema_avg_fn(decay), use_buffers=use_buffers
        )
        for step in range(5):
            for number, parameter in enumerate(model.parameters()):
                value = tensor(np.random.default_rng([step, number]).standard_normal(3))
                with library.no_grad():
                    (parameter.assign if library is tc else parameter.copy_)(value)
            model(tensor(np.random.default_rng(step).standard_normal((4, 3))))
            averaged.update_parameters(model)
        averages.append({name: value.numpy() for name, value in averaged.state_dict().items()})
    mine, theirs = averages
    assert list(mine) == list(theirs)
    for name, right in theirs.items():
        if use_buffers and name == "module.num_batches_tracked":
            continue  # PyTorch averages the count of batches too
        np.testing.assert_allclose(mine[name], right, rtol=1e-12, err_msg=name)
