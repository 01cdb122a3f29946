"""Module and Parameter: registration, state_dict, modes, scopes, and errors that say what was forgotten."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import nn
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DTypeError,
    GradientError,
    StateDictError,
    UnknownName,
)


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


def test_replacing_and_removing():
    net = Net()
    net.last = nn.Identity()
    net.first.bias = None
    del net.block
    assert list(net.state_dict()) == ["offset", "first.weight"]


def test_a_removed_buffer_is_forgotten():
    net = Net()
    del net.offset
    assert "offset" not in net.state_dict()
    net.offset = nn.Parameter(tc.tensor(2.0))
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["offset"]
    net.scratch = nn.Parameter(tc.zeros(2))
    assert [name for name, _ in net.named_buffers(recurse=False)] == []


@pytest.mark.parametrize("name", ["first", "scratch", "scale"])
def test_parts_are_not_lost_by_assigning_something_else(name):
    net = Net()
    net.scale = nn.Parameter(tc.ones(1))
    before = getattr(net, name)
    with pytest.raises(ArgumentTypeError, match=f"Net.{name} would stop being a part") as caught:
        setattr(net, name, 3.0)
    assert f"del module.{name}" in caught.value.hint
    assert getattr(net, name) is before
    delattr(net, name)
    setattr(net, name, 3.0)
    net.note = tc.zeros(1)  # neither parameter nor buffer
    net.note = "free"


def test_a_parameter_is_not_replaced_by_a_plain_tensor():
    layer = nn.Linear(2, 2)
    with pytest.raises(ArgumentTypeError) as caught:
        layer.weight = tc.zeros(2, 2)
    assert caught.value.expected == "nn.Parameter or None"


def test_registering_by_name_is_assigning():
    net = nn.Module()
    weight, part = nn.Parameter(tc.zeros(1)), nn.ReLU()
    net.register_parameter("weight", weight)
    net.register_parameter("bias", None)
    net.add_module("one", part)
    net.register_module("two", None)
    assert (net.weight, net.bias, net.one, net.two) == (weight, None, part, None)
    assert list(net.state_dict()) == ["weight"]
    net.register_parameter("bias", nn.Parameter(tc.zeros(1)))
    net.register_parameter("weight", nn.Parameter(tc.ones(1)))
    assert [name for name, _ in net.named_parameters()] == ["weight", "bias"]


@pytest.mark.parametrize(
    ("register", "value"),
    [
        ("register_parameter", nn.Parameter(tc.zeros(1))),
        ("register_module", nn.ReLU()),
        ("register_buffer", tc.zeros(1)),
    ],
)
@pytest.mark.parametrize("name", ["", "a.b", "forward", "training", 3])
def test_names_that_cannot_be_registered(register, value, name):
    net = nn.Module()
    with pytest.raises(ArgumentError) as caught:
        getattr(net, register)(name, value)
    assert caught.value.argument == "name"
    assert not net.state_dict()


@pytest.mark.parametrize(
    ("register", "value", "argument"),
    [
        ("register_parameter", tc.zeros(1), "param"),
        ("add_module", nn.ReLU, "module"),
        ("register_buffer", [0.0], "tensor"),
    ],
)
def test_things_that_cannot_be_registered(register, value, argument):
    with pytest.raises(ArgumentTypeError) as caught:
        getattr(nn.Module(), register)("thing", value)
    assert caught.value.argument == argument


def test_one_part_by_its_dotted_name():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("block.norm") is net.block.norm
    assert net.get_parameter("block.norm.weight") is net.block.norm.weight
    assert net.get_buffer("scratch") is net.scratch
    with pytest.raises(UnknownName, match=r"no module named 'block\.nrm'") as caught:
        net.get_submodule("block.nrm")
    assert "'block.norm'" in caught.value.hint
    with pytest.raises(UnknownName, match="parameter"):
        net.get_parameter("scratch")
    with pytest.raises(UnknownName, match="buffer"):
        net.get_buffer("first.weight")


def test_without_recursion_and_with_a_prefix():
    net = Net()
    assert list(net.parameters(recurse=False)) == []
    assert [buffer.name for buffer in net.buffers(recurse=False)] == ["offset", "scratch"]
    assert [name for name, _ in net.block.named_parameters("block", recurse=False)] == ["block.scale"]
    assert [name for name, _ in net.block.named_modules("net")] == ["net", "net.norm"]


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


# --- weight tying ---------------------------------------------------------------------------------


class Tied(nn.Module):
    """One weight under two names, and one module under two."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(2, 2, bias=False)
        self.decode = nn.Linear(2, 2, bias=False)
        self.decode.weight = self.encode.weight
        self.again = self.encode

    def forward(self, x):
        return self.again(self.decode(self.encode(x)))


def test_what_is_shared_is_listed_once_and_saved_under_every_name():
    net = Tied()
    assert [name for name, _ in net.named_parameters()] == ["encode.weight"]
    assert [name for name, _ in net.named_children()] == ["encode", "decode"]
    assert [name for name, _ in net.named_modules()] == ["", "encode", "decode"]
    names = ["encode.weight", "decode.weight", "again.weight"]
    assert list(net.state_dict()) == names
    assert [name for name, _ in net.named_parameters(remove_duplicate=False)] == names


def test_the_gradient_of_a_shared_weight_is_the_sum_over_its_uses():
    net, x = Tied().double(), tc.tensor([[1.0, 2.0]], dtype="float64")
    net(x).sum().backward()
    weights = [net.encode.weight.detach().requires_grad_() for _ in range(3)]
    (x @ weights[0].T @ weights[1].T @ weights[2].T).sum().backward()
    np.testing.assert_allclose(
        net.encode.weight.grad.numpy(), sum(weight.grad.numpy() for weight in weights), rtol=1e-12
    )


def test_shared_weights_load_and_stay_shared():
    net, other = Tied(), Tied()
    other.load_state_dict(net.state_dict())
    assert other.decode.weight is other.encode.weight
    assert other.encode.weight.tolist() == net.encode.weight.tolist()
    twin = copy.deepcopy(net)
    assert twin.decode.weight is twin.encode.weight
    assert twin.again is twin.encode
    assert twin.encode.weight is not net.encode.weight


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


def test_freezing_a_part():
    net = Net()
    net.block.requires_grad_(False)
    net(tc.rand(4, 2)).sum().backward()
    assert net.block.scale.grad is None
    assert net.first.weight.grad is not None
    assert [name for name, p in net.named_parameters() if not p.requires_grad] == [
        "block.scale",
        "block.norm.weight",
        "block.norm.bias",
    ]


def test_the_mode_is_a_bool():
    with pytest.raises(ArgumentTypeError, match="training or not"):
        Net().train(10)


def test_float_and_double():
    net = Net()
    assert net.double() is net
    assert net.offset.dtype is tc.float64
    assert net.float().first.weight.dtype is tc.float32


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


# --- hooks ----------------------------------------------------------------------------------------


def test_forward_hooks_see_and_replace_the_output():
    layer = nn.Identity()
    handle = layer.register_forward_hook(lambda module, inputs, output: output + inputs[0])
    assert layer(tc.tensor(2.0)).item() == 4
    handle.remove()
    assert layer(tc.tensor(2.0)).item() == 2


def test_forward_pre_hooks_see_and_replace_the_inputs():
    class Difference(nn.Module):
        def forward(self, x, y):
            return x - y

    layer, seen = Difference(), []
    x, y = tc.tensor(5.0), tc.tensor(3.0)
    handles = [
        layer.register_forward_pre_hook(lambda module, inputs: seen.append((module, inputs))),
        layer.register_forward_pre_hook(lambda module, inputs: (inputs[1], inputs[0])),
    ]
    assert layer(x, y).item() == -2
    assert seen == [(layer, (x, y))]
    for handle in handles:
        handle.remove()
    assert layer(x, y).item() == 2


def test_hooks_run_in_order_and_each_registration_is_removed_alone():
    layer, calls = nn.Identity(), []

    def hook(module, inputs, output):
        calls.append("twice")

    first = layer.register_forward_hook(hook)
    layer.register_forward_hook(hook)
    layer.register_forward_hook(lambda *_: calls.append("last"))
    layer(tc.zeros(1))
    assert calls == ["twice", "twice", "last"]
    calls.clear()
    first.remove()
    first.remove()  # a second time changes nothing
    layer(tc.zeros(1))
    assert calls == ["twice", "last"]


@pytest.mark.parametrize(
    "register", ["register_forward_pre_hook", "register_forward_hook", "register_full_backward_hook"]
)
def test_a_hook_is_a_function(register):
    with pytest.raises(ArgumentTypeError, match="a hook is a function"):
        getattr(nn.ReLU(), register)("print")


class Scale(nn.Module):
    """Two inputs, two outputs."""

    def forward(self, x, y):
        return x * 2, y * 3


def watched(module):
    """What its backward hook was called with."""
    calls = []

    def hook(module, grad_input, grad_output):
        calls.append([[g if g is None else g.tolist() for g in gs] for gs in (grad_input, grad_output)])

    module.register_full_backward_hook(hook)
    return calls


def test_a_backward_hook_sees_gradients_of_inputs_and_outputs():
    layer = Scale()
    calls = watched(layer)
    x, y = (tc.tensor(1.0, requires_grad=True) for _ in range(2))
    one, other = layer(x, y)
    (5 * one + 7 * other + 11 * x).backward()  # what x does elsewhere is not this module's
    assert calls == [[[10.0, 21.0], [5.0, 7.0]]]
    assert (x.grad.item(), y.grad.item()) == (21.0, 21.0)


def test_a_backward_hook_sees_none_where_nothing_arrives():
    layer = Scale()
    calls = watched(layer)
    x = tc.tensor(1.0, requires_grad=True)
    layer(x, tc.tensor(1.0))[0].backward()
    layer(x, 1.0)[0].backward()
    y = tc.tensor(1.0, requires_grad=True)
    layer(x, y)[1].backward()
    assert calls == [
        [[2.0, None], [1.0, None]],
        [[2.0, None], [1.0, None]],
        [[None, 3.0], [None, 1.0]],
    ]


def test_a_backward_hook_of_a_layer_that_reads_data_is_called_before_its_rules_run():
    layer, order = nn.Linear(1, 1), []
    calls = watched(layer)
    layer.register_full_backward_hook(lambda *_: order.append("module"))
    layer.weight.register_hook(lambda g: order.append("weight"))
    layer(tc.tensor([[2.0]])).backward(tc.tensor([[3.0]]))
    assert calls == [[[None], [[[3.0]]]]]
    assert order == ["module", "weight"]


def test_a_backward_hook_replaces_the_gradients_of_the_inputs():
    layer = Scale()
    layer.register_full_backward_hook(lambda module, inputs, outputs: tuple(g * 10 for g in inputs))
    handle = layer.register_full_backward_hook(lambda module, inputs, outputs: (inputs[0] + 1, inputs[1]))
    x, y = (tc.tensor(1.0, requires_grad=True) for _ in range(2))
    one, other = layer(x, y)
    (one + other).backward()
    assert (x.grad.item(), y.grad.item()) == (21.0, 30.0)
    handle.remove()
    one, other = layer(x, y)
    (one + other).backward()
    assert (x.grad.item(), y.grad.item()) == (41.0, 60.0)


def test_backward_hooks_that_replace_wrongly():
    layer, x = nn.ReLU(), tc.tensor([1.0, 2.0], requires_grad=True)
    handle = layer.register_full_backward_hook(lambda *_: (None, None))
    with pytest.raises(GradientError, match="of all inputs or of none"):
        layer(x).sum().backward()
    handle.remove()
    layer.register_full_backward_hook(lambda *_: tc.zeros(3))
    with pytest.raises(GradientError):
        layer(x).sum().backward()
    assert x.grad is None


def test_backward_hooks_in_every_walk_and_every_call():
    layer = nn.Tanh()
    calls = watched(layer)
    x = tc.tensor(0.0, requires_grad=True)
    y = layer(layer(x))
    y.backward(retain_graph=True)
    y.backward()
    assert calls == [[[1.0], [1.0]]] * 4
    with tc.no_grad():
        layer(x)
    later = layer(x)
    tc.grad(later * 2, later)  # the walk ends before the module
    assert len(calls) == 4


def test_backward_hooks_leave_values_and_second_derivatives_alone():
    layer = nn.Tanh()
    watched(layer)
    x = tc.tensor([0.5, -1.0], dtype="float64", requires_grad=True)
    assert tc.testing.gradcheck(layer, x, order=2)
    np.testing.assert_array_equal(layer(x).numpy(), nn.Tanh()(x).numpy())


def test_a_backward_hook_needs_tensors_to_watch():
    class Named(nn.Module):
        def forward(self, x):
            return {"x": x}

    layer = Named()
    watched(layer)
    with pytest.raises(ArgumentTypeError, match="gradients of tensors"):
        layer(tc.ones(1, requires_grad=True))


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
        "    (norm): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, "
        "track_running_stats=True)\n"
        "  )\n"
        "  (last): Linear(in_features=3, out_features=1, bias=False)\n"
        ")"
    )
