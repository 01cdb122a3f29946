"""Module and Parameter: registration, state_dict, modes, scopes, and errors that say what was forgotten."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentTypeError, DTypeError, IndexingError, StateDictError, UnknownName


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.scale = nn.Parameter(tc.ones(3))

    def forward(self, x):
        return self.norm(x) * self.scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.block = Block()
        self.last = nn.Linear(3, 1, bias=False)
        self.register_buffer("offset", tc.tensor(0.5))
        self.register_buffer("scratch", tc.zeros(2), persistent=False)

    def forward(self, x):
        return self.last(self.block(self.first(x)).relu()) + self.offset


KEYS = [
    "offset",
    "first.weight",
    "first.bias",
    "block.scale",
    "block.norm.weight",
    "block.norm.bias",
    "block.norm.running_mean",
    "block.norm.running_var",
    "block.norm.num_batches_tracked",
    "last.weight",
]


# --- registration ---------------------------------------------------------------------------------


def test_state_dict_has_pytorchs_keys_in_pytorchs_order():
    assert list(Net().state_dict()) == KEYS


def test_parameters_and_buffers_by_name():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        k for k in KEYS if "run" not in k and "num" not in k
    ][1:]
    assert [name for name, _ in net.named_buffers()] == [
        "offset",
        "scratch",
        "block.norm.running_mean",
        "block.norm.running_var",
        "block.norm.num_batches_tracked",
    ]
    assert [name for name, _ in net.named_modules()] == ["", "first", "block", "block.norm", "last"]
    assert [name for name, _ in net.named_children()] == ["first", "block", "last"]


def test_a_parameter_used_twice_is_listed_once_and_saved_twice():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_replacing_and_removing():
    net = Net()
    net.last = nn.Identity()
    net.first.bias = None
    del net.block
    assert list(net.state_dict()) == ["offset", "first.weight"]


def test_super_init_forgotten():
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    with pytest.raises(ArgumentTypeError, match="Forgetful") as caught:
        Forgetful()
    assert "super().__init__()" in caught.value.hint


def test_forward_forgotten():
    class Silent(nn.Module):
        pass

    with pytest.raises(ArgumentTypeError, match="Silent does not say what it computes"):
        Silent()(tc.zeros(1))


def test_a_buffer_is_a_plain_tensor():
    with pytest.raises(ArgumentTypeError, match="plain tensor"):
        nn.Module().register_buffer("w", nn.Parameter(tc.zeros(1)))


# --- parameters -----------------------------------------------------------------------------------


def test_a_parameter_is_a_trainable_leaf_and_its_results_are_tensors():
    w = nn.Parameter(tc.tensor([1.0, 2.0]))
    assert w.requires_grad
    assert w.is_leaf
    assert type(w * 2) is tc.Tensor
    (w * w).sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]


def test_a_parameter_takes_the_name_of_its_attribute():
    assert Net().first.weight.name == "weight"


def test_integers_cannot_be_learned():
    with pytest.raises(DTypeError):
        nn.Parameter([1, 2])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_case_14_copies_of_a_network_are_networks_of_their_own(duplicate):
    net = Net()
    x = tc.rand(4, 2)
    other = duplicate(net)
    assert type(other.first.weight) is nn.Parameter
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())
    nn.init.zeros_(other.last.weight)
    assert not np.array_equal(net.last.weight.numpy(), other.last.weight.numpy())


# --- saving and loading ---------------------------------------------------------------------------


def test_loading_makes_networks_equal():
    tc.manual_seed(0)
    one, two = Net(), Net()
    x = tc.rand(4, 2)
    one(x)  # moves the running statistics
    two.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(one.eval()(x).numpy(), two.eval()(x).numpy())


def test_numpy_arrays_can_be_loaded():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.ones((1, 2), np.float32), "bias": np.zeros(1, np.float32)})
    assert layer(tc.ones(1, 2)).item() == 2


def test_all_that_is_wrong_is_said_and_nothing_is_loaded():
    net = Net()
    before = {name: value.tolist() for name, value in net.state_dict().items()}
    saved = {name: tc.ones(*value.shape, dtype=value.dtype) for name, value in net.state_dict().items()}
    del saved["offset"]
    saved["extra"] = tc.zeros(1)
    saved["first.weight"] = tc.zeros(3, 3)
    saved["first.bias"] = tc.zeros(3, dtype="float64")
    with pytest.raises(StateDictError) as caught:
        net.load_state_dict(saved)
    message = str(caught.value)
    for part in (
        "missing: offset",
        "unexpected: extra",
        "first.weight: float32 (3, 3) instead of float32 (3, 2)",
        "first.bias: float64 (3,) instead of float32 (3,)",
    ):
        assert part in message
    assert {name: value.tolist() for name, value in net.state_dict().items()} == before


def test_a_path_is_not_a_state_dict():
    with pytest.raises(ArgumentTypeError, match="by name") as caught:
        nn.Linear(2, 1).load_state_dict("model.safetensors")
    assert "tc.load(path)" in caught.value.hint


def test_not_strict_loads_what_fits():
    layer = nn.Linear(2, 1)
    result = layer.load_state_dict({"bias": tc.full((1,), 9.0), "extra": tc.zeros(1)}, strict=False)
    assert result == (("weight",), ("extra",))
    assert layer.bias.tolist() == [9.0]
    with pytest.raises(StateDictError):
        layer.load_state_dict({"bias": tc.zeros(2)}, strict=False)


# --- modes, moving, hooks -------------------------------------------------------------------------


def test_train_and_eval_reach_every_part():
    net = Net()
    assert all(not module.training for module in net.eval().modules())
    assert all(module.training for module in net.train().modules())


def test_freezing_and_forgetting_gradients():
    net = Net()
    net(tc.rand(4, 2)).sum().backward()
    assert net.first.weight.grad is not None
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(tc.rand(4, 2)).requires_grad


def test_to_another_dtype_keeps_the_objects_and_the_counters():
    net = Net()
    weight = net.first.weight
    net.to("float64")
    assert net.first.weight is weight
    assert weight.dtype is tc.float64
    assert weight.requires_grad
    assert net.block.norm.num_batches_tracked.dtype is tc.int64
    net(tc.rand(4, 2, dtype="float64")).sum().backward()
    assert weight.grad.dtype is tc.float64


def test_to_another_backend():
    net = Net().to("meta")
    assert all(value.backend.name == "meta" for value in net.state_dict().values())
    assert net(tc.zeros(4, 2, backend="meta")).shape == (4, 1)


@pytest.mark.parametrize(("target", "error"), [("int64", DTypeError), ("cuppy", UnknownName)])
def test_to_nowhere(target, error):
    net = Net()
    with pytest.raises(error):
        net.to(target)


def test_apply_visits_children_first():
    seen = []
    Net().apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "BatchNorm1d", "Block", "Linear", "Net"]


def test_forward_hooks_see_and_replace_the_output():
    layer = nn.Identity()
    remove = layer.register_forward_hook(lambda module, inputs, output: output + inputs[0])
    assert layer(tc.tensor(2.0)).item() == 4
    remove()
    assert layer(tc.tensor(2.0)).item() == 2


# --- scopes and looks -----------------------------------------------------------------------------


def test_every_module_opens_a_scope():
    out = Net()(tc.rand(4, 2))
    scopes, stack = set(), [out.node]
    while stack:
        node = stack.pop()
        scopes.add(node.scope)
        stack.extend(parent for parent, _ in node.inputs if parent.op is not None)
    assert scopes == {"Net", "Net/first", "Net/block", "Net/block/norm", "Net/last"}


def test_a_scope_is_closed_by_an_error():
    with pytest.raises(Exception, match="features"):
        Net()(tc.rand(4, 7))
    assert (tc.tensor(1.0, requires_grad=True) * 2).node.scope == ""


def test_repr_is_pytorchs_tree():
    assert repr(Net()) == (
        "Net(\n"
        "  (first): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (block): Block(\n"
        "    (norm): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)\n"
        "  )\n"
        "  (last): Linear(in_features=3, out_features=1, bias=False)\n"
        ")"
    )


# --- Sequential -----------------------------------------------------------------------------------


def test_sequential_counts_slices_and_walks():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(net) == 3
    assert net[-1] is net[2]
    assert [type(module).__name__ for module in net] == ["Linear", "ReLU", "Linear"]
    head = net[:2]
    assert type(head) is nn.Sequential
    assert head[0] is net[0]
    x = tc.rand(5, 2)
    np.testing.assert_array_equal(net[2](head(x)).numpy(), net(x).numpy())
    with pytest.raises(IndexingError, match="index 3"):
        net[3]


def test_sequential_takes_names():
    net = nn.Sequential(OrderedDict(hidden=nn.Linear(2, 3), out=nn.Linear(3, 1)))
    assert list(net.state_dict()) == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    assert net(tc.rand(5, 2)).node.scope == "Sequential/out"


def test_sequential_takes_no_functions():
    with pytest.raises(ArgumentTypeError, match="takes modules"):
        nn.Sequential(nn.Linear(2, 3), tc.relu)
