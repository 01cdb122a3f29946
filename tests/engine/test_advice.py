"""What people write who come from PyTorch: it works, or the error says what to write here."""

from __future__ import annotations

import copy
import pickle

import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentTypeError, ImmutableError, MissingName, ShapeError


def test_functions_are_found_where_pytorch_has_them():
    assert nn.functional is F
    assert F.conv2d is tc.functional.conv2d
    assert F.relu is tc.functional.relu


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("half", "float16"), ("float", "float32"), ("double", "float64"), ("int", "int32"), ("long", "int64")],
)
def test_short_names_of_dtypes(name, dtype):
    assert getattr(tc, name) is getattr(tc, dtype)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("data", "assign"),
        ("grad_fn", "t.node"),
        ("device", "t.backend"),
        ("zero_", "in place"),
        ("summ", "did you mean 'sum'"),
    ],
)
def test_a_name_that_tensors_do_not_have(name, advice):
    t = tc.tensor([1.0])
    with pytest.raises(MissingName, match=name) as caught:
        getattr(t, name)
    assert advice in caught.value.hint
    assert isinstance(caught.value, AttributeError)
    assert not hasattr(t, name)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("cuda", "backends"),
        ("autograd", "tc.grad"),
        ("tensr", "tensor"),
        ("autocast", "tc.amp.autocast"),
        ("GradScaler", "tc.amp.GradScaler"),
    ],
)
def test_a_name_that_the_package_does_not_have(name, advice):
    with pytest.raises(MissingName, match=name) as caught:
        getattr(tc, name)
    assert advice in caught.value.hint


def test_private_names_are_not_advised():
    assert tc._rule
    with pytest.raises(MissingName) as caught:
        tc.__getattr__("_rules")
    assert caught.value.hint is None


@pytest.mark.parametrize(
    ("name", "advice"),
    [("cuda", "to('cupy')"), ("cpu", "to('numpy')"), ("weigth", "'weight'"), ("xyz", None)],
)
def test_a_name_that_modules_do_not_have(name, advice):
    layer = nn.Linear(2, 3)
    with pytest.raises(MissingName, match=f"Linear has no attribute '{name}'") as caught:
        getattr(layer, name)
    assert advice is None if caught.value.hint is None else advice in caught.value.hint
    assert not hasattr(layer, name)


def test_a_property_that_fails_keeps_its_own_error():
    class Broken(nn.Module):
        @property
        def size(self):
            return len(self.parts)

    with pytest.raises(MissingName, match="Broken has no attribute 'parts'"):
        _ = Broken().size


def test_a_leaf_is_trained_by_hand_under_no_grad():
    w = alias = tc.tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    with pytest.raises(ImmutableError, match="in place"):
        w -= 0.1 * w.grad
    with tc.no_grad():
        w -= 0.1 * w.grad
        w *= 2.0
    assert w is alias
    assert w.requires_grad
    assert [round(number, 5) for number in w.tolist()] == [1.6, 3.2]
    plain = before = tc.tensor([1.0])
    plain += 1.0
    assert (plain.tolist(), before.tolist()) == ([2.0], [1.0])  # others are never changed


def test_inplace_means_nothing_here_and_is_accepted():
    assert repr(nn.ReLU(inplace=True)) == repr(nn.ReLU())
    assert nn.Dropout(0.25, inplace=True).p == 0.25
    x = tc.tensor([-1.0])
    nn.ReLU(inplace=True)(x)
    assert x.tolist() == [-1.0]


@pytest.mark.parametrize(
    ("call", "message", "hint"),
    [
        (lambda: nn.Conv2d(1, 6), "Conv2d: missing a required argument: 'kernel_size'", None),
        (lambda: nn.Conv2d(1, 6, 5, pading=2), "unexpected keyword argument 'pading'", "'padding'"),
        (lambda: nn.Softmax(), "Softmax: missing a required argument: 'dim'", None),
        (lambda: tc.optim.Adam([tc.ones(1, requires_grad=True)], beta=0.9), "'beta'", "'betas'"),
        (lambda: nn.ReLU(1, 2, 3), "ReLU: too many positional arguments", None),
        (lambda: nn.ReLU(inplace=True, in_place=True), "'in_place'", None),
        (lambda: nn.Linear(2, 3, device="cuda"), "unexpected keyword argument 'device'", "leave it out"),
    ],
)
def test_a_wrong_call_of_a_constructor_is_explained(call, message, hint):
    with pytest.raises(ArgumentTypeError) as caught:
        call()
    assert message in str(caught.value)
    assert hint is None or hint in caught.value.hint


def test_a_wrong_call_is_shown_in_brief():
    with pytest.raises(ArgumentTypeError) as caught:
        tc.optim.SGD([tc.ones(1, requires_grad=True)], 0.1, colour="red", dtype=tc.float16)
    assert caught.value.got == "SGD(list, 0.1, colour='red', dtype=tinygrad_cnn.float16)"


def test_an_error_inside_of_a_constructor_is_left_alone():
    class Broken(nn.Module):
        def __init__(self, size):
            super().__init__()
            len(size)

    with pytest.raises(TypeError, match="object of type 'int' has no len") as caught:
        Broken(3)
    assert not isinstance(caught.value, ArgumentTypeError)


def test_modules_are_copied_and_pickled_all_the_same():
    layer = nn.Linear(2, 3)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert (twin.weight == layer.weight).all()


def test_forgetting_gradients():
    w = tc.tensor([1.0, 2.0], requires_grad=True)
    optimizer = tc.optim.SGD([w], lr=0.1)
    (w * w).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert w.grad is None
    assert repr(optimizer).startswith("SGD(lr=0.1, momentum=0.0")


def test_a_users_kernel_is_held_to_its_own_infer():
    def declare(kernel, name):
        kernel.__name__ = name
        return tc.op(symbol="?", infer=lambda x: tc.Spec(x.shape, x.dtype), public=False)(kernel)

    from tinygrad_cnn._op import REGISTRY

    try:
        shape = declare(lambda B, x: x.sum(), "wrong_shape")
        dtype = declare(lambda B, x: x.astype("float64"), "wrong_dtype")
        for operation, got in ((shape, r"shape \(\)"), (dtype, "float64")):
            with pytest.raises(ShapeError, match="announced") as caught:
                operation(tc.tensor([1.0, 2.0]))
            assert got.replace("\\", "") in caught.value.got
    finally:
        REGISTRY.pop("wrong_shape", None)
        REGISTRY.pop("wrong_dtype", None)


def test_what_breaks_the_chain_of_gradients_is_listed():
    w = tc.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(tc.errors.GradientError) as caught:
        (w * 2).argmax().float().backward()
    assert "argmax" in caught.value.hint
