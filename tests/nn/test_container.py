"""Containers: Python's lists and dictionaries, whose items a network knows of."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, IndexingError, UnknownName


def kinds(modules):
    return [type(module).__name__ for module in modules]


# --- Sequential -----------------------------------------------------------------------------------


def test_sequential_counts_slices_and_walks():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(net) == 3
    assert net[-1] is net[2]
    assert kinds(net) == ["Linear", "ReLU", "Linear"]
    head = net[:2]
    assert type(head) is nn.Sequential
    assert head[0] is net[0]
    x = tc.rand(5, 2)
    np.testing.assert_array_equal(net[2](head(x)).numpy(), net(x).numpy())


def test_sequential_takes_names():
    net = nn.Sequential(OrderedDict(hidden=nn.Linear(2, 3), out=nn.Linear(3, 1)))
    assert list(net.state_dict()) == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    assert net(tc.rand(5, 2)).node.scope == "Sequential/out"


def test_sequential_takes_no_functions():
    with pytest.raises(ArgumentTypeError, match="takes modules") as caught:
        nn.Sequential(nn.Linear(2, 3), tc.relu)
    assert caught.value.argument == "[1]"
    with pytest.raises(ArgumentTypeError, match="takes modules"):
        nn.Sequential({"act": tc.relu})


def test_a_module_used_twice_is_called_twice():
    double = nn.Linear(1, 1, bias=False)
    nn.init.constant_(double.weight, 2.0)
    net = nn.Sequential(double, double)
    assert len(net) == 2
    assert net(tc.ones(1, 1)).item() == 4
    assert list(net.state_dict()) == ["0.weight", "1.weight"]


def test_a_slice_keeps_the_names_it_had():
    net = nn.Sequential(nn.ReLU(), nn.Linear(2, 2), nn.Tanh())
    assert [name for name, _ in net[1:].named_children()] == ["1", "2"]
    tail = net[1:]
    tail.append(nn.ELU())  # PyTorch's would overwrite "2"
    assert kinds(tail) == ["Linear", "Tanh", "ELU"]


def test_names_given_by_hand_stay():
    net = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    net.append(nn.ELU())
    net.insert(0, nn.GELU())
    assert [name for name, _ in net.named_children()] == ["0", "a", "b", "3"]
    del net[0]
    assert [name for name, _ in net.named_children()] == ["a", "b", "2"]


# --- lists ----------------------------------------------------------------------------------------


@pytest.fixture(params=[nn.Sequential, nn.ModuleList])
def modules(request):
    made = request.param()
    made.extend([nn.ReLU(), nn.Tanh(), nn.ELU()])
    return made


def test_a_list_of_modules_is_a_list(modules):
    mirror = list(modules)
    one, two = nn.GELU(), nn.SiLU()

    for change in (
        lambda items: items.append(one),
        lambda items: items.insert(1, two),
        lambda items: items.insert(-1, one),
        lambda items: items.pop(),
        lambda items: items.pop(0),
        lambda items: items.__delitem__(slice(0, 2)),
        lambda items: items.extend([one, two]),
        lambda items: items.__setitem__(-1, one),
        lambda items: items.reverse(),
        lambda items: items.__iadd__([two]),
        lambda items: items.extend(items),
        lambda items: items.remove(two),
        lambda items: items.clear(),
    ):
        change(mirror)
        change(modules)
        assert list(modules) == mirror
        assert list(modules._items()) == [str(number) for number in range(len(mirror))]


def test_indices(modules):
    assert modules[-3] is modules[0]
    assert kinds(modules[::2]) == ["ReLU", "ELU"]
    assert type(modules[1:]) is type(modules)
    assert kinds(modules + modules[:1]) == ["ReLU", "Tanh", "ELU", "ReLU"]
    for index in (3, -4):
        with pytest.raises(IndexingError, match=f"index {index}"):
            modules[index]
        with pytest.raises(IndexingError):
            modules[index] = nn.ReLU()
        with pytest.raises(IndexingError):
            del modules[index]
    with pytest.raises(ArgumentTypeError):
        modules[1.0]


def test_what_is_no_module_changes_nothing(modules):
    for change in (
        lambda: modules.append(tc.relu),
        lambda: modules.extend([nn.GELU(), tc.relu]),
        lambda: modules.insert(0, None),
        lambda: modules.__setitem__(0, nn.ReLU),
    ):
        with pytest.raises(ArgumentTypeError, match="takes modules"):
            change()
        assert kinds(modules) == ["ReLU", "Tanh", "ELU"]


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
        self.heads = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Linear(2, 4)})
        self.scales = nn.ParameterList([tc.ones(2), tc.full((1,), 3.0)])
        self.shifts = nn.ParameterDict({"in": tc.zeros(2)})

    def forward(self, x):
        x = x + self.shifts["in"]
        for layer in self.layers[:2]:
            x = layer(x) * self.scales[0]
        return self.heads["a"](self.layers[2](x)) * self.scales[1]


def test_everything_is_found_and_learns():
    net = Deep()
    assert list(net.state_dict()) == [
        *(f"layers.{n}.{part}" for n in range(3) for part in ("weight", "bias")),
        *(f"heads.{head}.{part}" for head in "ab" for part in ("weight", "bias")),
        "scales.0",
        "scales.1",
        "shifts.in",
    ]
    net(tc.rand(5, 2)).sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == [
        "heads.b.weight",
        "heads.b.bias",
    ]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_case_14_copies_of_containers_are_containers_of_their_own(duplicate):
    net = Deep()
    twin, x = duplicate(net), tc.rand(5, 2)
    np.testing.assert_array_equal(twin(x).numpy(), net(x).numpy())
    twin.layers.append(nn.ReLU())
    assert (len(net.layers), len(twin.layers)) == (3, 4)
    assert twin.scales[0] is not net.scales[0]


def scopes(output):
    found, stack = set(), [output.node]
    while stack:
        node = stack.pop()
        found.add(node.scope)
        stack.extend(parent for parent, _ in node.inputs if parent.op is not None)
    return found


def test_parts_of_a_container_have_its_name_in_drawings():
    net = Deep()
    assert scopes(net(tc.rand(5, 2))) == {"Deep", *(f"Deep/layers.{n}" for n in range(3)), "Deep/heads.a"}
    moved = net.layers[0]
    net.layers.insert(0, nn.Linear(2, 2))
    assert scopes(moved(tc.rand(5, 2))) == {"layers.1"}


def test_lists_in_lists_have_names_too():
    net = nn.Module()
    net.blocks = nn.ModuleList([nn.ModuleList([nn.Linear(1, 1)])])
    net.blocks.append(nn.ModuleList([nn.Linear(1, 1)]))
    assert scopes(net.blocks[1][0](tc.ones(1, 1))) == {"blocks.1.0"}


def test_a_list_is_not_called():
    with pytest.raises(ArgumentTypeError, match="ModuleList holds modules") as caught:
        nn.ModuleList([nn.ReLU()])(tc.ones(1))
    assert "nn.Sequential" in caught.value.hint


# --- dictionaries ---------------------------------------------------------------------------------


def test_a_dictionary_of_modules_is_a_dictionary():
    one, two = nn.ReLU(), nn.Tanh()
    heads = nn.ModuleDict([("one", one)])
    heads["two"] = two
    assert dict(heads) == {"one": one, "two": two}
    assert "two" in heads
    assert "three" not in heads
    assert heads.get("three") is None
    assert heads.pop("one") is one
    assert list(heads.items()) == [("two", two)]
    heads.update(two=one, three=two)
    assert list(heads.values()) == [one, two]
    heads.clear()
    assert len(heads) == 0
    assert len({heads, nn.ModuleDict()}) == 2  # told apart, though equal in what they hold


def test_keys_that_are_not_there():
    heads = nn.ModuleDict({"digit": nn.ReLU()})
    with pytest.raises(UnknownName, match="no module named 'digits'") as caught:
        heads["digits"]
    assert isinstance(caught.value, KeyError)
    assert "'digit'" in caught.value.hint
    with pytest.raises(UnknownName):
        del heads["digits"]


@pytest.mark.parametrize("key", ["a.b", "", "items", "training"])
def test_keys_that_cannot_be(key):
    with pytest.raises(ArgumentError) as caught:
        nn.ModuleDict({key: nn.ReLU()})
    assert caught.value.argument == "name"


# --- parameters -----------------------------------------------------------------------------------


def test_tensors_become_parameters():
    weights = nn.ParameterList([tc.ones(2)])
    weights += [nn.Parameter(tc.zeros(1))]
    weights[0] = tc.full((2,), 5.0)
    assert [type(weight) for weight in weights] == [nn.Parameter] * 2
    assert [weight.tolist() for weight in weights.parameters()] == [[5.0, 5.0], [0.0]]
    assert [weight.shape for weight in weights[1:]] == [(1,)]
    named = nn.ParameterDict({"w": tc.ones(2, 3)})
    named["b"] = tc.zeros(3)
    assert repr(named) == "ParameterDict((w): float32 (2, 3), (b): float32 (3,))"
    assert [name for name, _ in named.named_parameters()] == ["w", "b"]


def test_what_is_no_parameter():
    with pytest.raises(ArgumentTypeError, match="takes parameters") as caught:
        nn.ParameterList([tc.ones(1), 2.0])
    assert caught.value.argument == "[1]"
    with pytest.raises(ArgumentTypeError, match="takes parameters"):
        nn.ParameterDict({"w": nn.ReLU()})


def test_a_parameter_in_two_places_of_a_list():
    weight = nn.Parameter(tc.ones(1))
    weights = nn.ParameterList([weight, weight])
    assert len(weights) == 2
    assert len(list(weights.parameters())) == 1
    assert list(weights.state_dict()) == ["0", "1"]
