"""Modules that were put together in every way: the same names, gradients and hook calls as PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
from parity.compare import layer_parity, randn, torch

import tinygrad_cnn as tc


def sequential(library):
    nn = library.nn
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2)))


def containers(library):
    nn = library.nn
    net = nn.Sequential()
    net.layers = nn.ModuleList([nn.Linear(4, 4), nn.PReLU()])
    net.heads = nn.ModuleDict({"a": nn.Linear(4, 1), "b": nn.ModuleList([nn.Linear(4, 2)])})
    net.scales = nn.ParameterList([nn.Parameter(library.ones(2)), nn.Parameter(library.ones(3))])
    net.shifts = nn.ParameterDict({"in": nn.Parameter(library.zeros(2))})
    return net


def changed(library):
    nn = library.nn
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh())
    net.insert(1, nn.BatchNorm1d(4))
    del net[2]
    net.append(nn.Linear(4, 2))
    net.extend([nn.PReLU()])
    net[0] = nn.Linear(4, 4, bias=False)
    net.pop(3)
    return net


def tied(library):
    nn = library.nn
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4, bias=False))
    net[1].weight = net[0].weight
    net.append(net[0])
    return net


def registered(library):
    nn = library.nn
    net = nn.Sequential(nn.Linear(4, 4))
    net.register_parameter("bias", None)
    net.register_parameter("scale", nn.Parameter(library.ones(4)))
    net.register_buffer("mean", library.zeros(4))
    net.register_buffer("scratch", library.zeros(4), persistent=False)
    net.register_buffer("unused", None)
    net.add_module("head", nn.BatchNorm1d(4))
    net.register_module("none", None)
    return net


BUILDERS = [sequential, containers, changed, tied, registered]
build = pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)


LISTINGS = [
    ("named_children", {}),
    ("named_modules", {}),
    ("named_modules", {"prefix": "net"}),
    ("named_modules", {"remove_duplicate": False}),
    ("named_parameters", {}),
    ("named_parameters", {"prefix": "net", "recurse": False}),
    ("named_parameters", {"remove_duplicate": False}),
    ("named_buffers", {}),
    ("named_buffers", {"prefix": "net", "recurse": False}),
    ("named_buffers", {"remove_duplicate": False}),
]


@build
@pytest.mark.parametrize(("listing", "options"), LISTINGS)
def test_names(build, listing, options):
    ours, theirs = ([name for name, _ in getattr(build(lib), listing)(**options)] for lib in (tc, torch))
    assert ours == theirs


@build
def test_state_dict(build):
    assert list(build(tc).state_dict()) == list(build(torch).state_dict())


@pytest.mark.parametrize("build", [sequential, changed, tied], ids=lambda build: build.__name__)
def test_gradients(build):
    ours, theirs = build(tc).double(), build(torch).double()
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    x = randn(5, 4)
    results = ours(tc.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(results[0].numpy(), results[1].detach().numpy(), rtol=1e-9)
    for result in results:
        (result * result).sum().backward()
    for (name, mine), reference in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(
            mine.grad.numpy(), reference.grad.numpy(), rtol=1e-9, atol=1e-9, err_msg=name
        )


# --- hooks ----------------------------------------------------------------------------------------

# One difference is meant: where an input that needs no gradient comes beside one that does, PyTorch's hook
# gets zeros for it, ours gets None (tests/nn/test_module.py).


def two_by_two(library):
    """Two inputs, two outputs, each of which needs both."""

    class TwoByTwo(library.nn.Module):
        def forward(self, x, y):
            return x * y, x + y

    return TwoByTwo()


def logged(module):
    """What the backward hook of a module is called with, as lists."""
    calls = []

    def hook(module, grad_input, grad_output):
        calls.append([[None if g is None else g.tolist() for g in gs] for gs in (grad_input, grad_output)])

    module.register_full_backward_hook(hook)
    return calls


def call_twice(library, layer, x, y):
    first, second = layer(x, y)
    layer(first, second)[1].backward()


CALLS = {
    "both outputs": lambda library, layer, x, y: sum(layer(x, y)).backward(),
    "one output": lambda library, layer, x, y: layer(x, y)[1].backward(),
    "an input used elsewhere": lambda library, layer, x, y: (layer(x, y)[0] + 3 * x).backward(),
    "one input is a number": lambda library, layer, x, y: layer(x, 2.0)[0].backward(),
    "both inputs the same": lambda library, layer, x, y: layer(x, x)[0].backward(),
    "called twice": call_twice,
    "no gradients": lambda library, layer, x, y: layer(x.detach(), y.detach()),
    "under no_grad": lambda library, layer, x, y: library.no_grad()(layer)(x, y),
}


@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
@pytest.mark.parametrize("name", CALLS)
def test_backward_hooks_are_called_with_the_same(name):
    calls = []
    for library in (tc, torch):
        layer = two_by_two(library)
        calls.append(logged(layer))
        x, y = (library.tensor(value, requires_grad=True) for value in (3.0, 5.0))
        CALLS[name](library, layer, x, y)
    assert calls[0] == calls[1]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
def test_a_first_layer_is_called_without_gradients_of_its_data():
    calls = []
    for library in (tc, torch):
        layer = library.nn.Linear(2, 1, bias=False)
        calls.append(logged(layer))
        layer(library.ones(3, 2)).sum().backward()
    assert calls[0] == calls[1] == [[[None], [[[1.0]] * 3]]]


def test_hooks_replace_the_same():
    gradients = []
    for library in (tc, torch):
        layer = two_by_two(library)
        layer.register_forward_pre_hook(lambda module, inputs: (inputs[1], inputs[0] * 2))
        layer.register_forward_hook(lambda module, inputs, output: (output[0] * inputs[0], output[1]))
        layer.register_full_backward_hook(lambda module, inputs, outputs: (inputs[0] * 10, inputs[1] + 1))
        x, y = (library.tensor(value, requires_grad=True) for value in (3.0, 5.0))
        first, second = layer(x, y)
        (first + second).backward()
        gradients.append((first.item(), x.grad.item(), y.grad.item()))
    assert gradients[0] == gradients[1]


def test_flatten_and_back():
    layer_parity("Flatten", randn(2, 3, 4), args=(0, 1))
    layer_parity("Unflatten", randn(2, 12), args=(1, (3, -1)))
