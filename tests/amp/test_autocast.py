"""Autocast: which dtype every operation computes in, and that gradients come back in float32."""

from __future__ import annotations

import sys
import threading
from contextlib import nullcontext

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentTypeError, DTypeError, NonFiniteError, OptionalDependencyError
from tinygrad_cnn_backends.numpy.dtypes import NUMPY_DTYPES

NARROW = [tc.bfloat16, tc.float16]
each_dtype = pytest.mark.parametrize("dtype", NARROW, ids=str)


def numbers(*shape, dtype=tc.float32, seed=0, requires_grad=False):
    drawn = np.random.default_rng(seed).uniform(0.1, 0.9, shape)
    return tc.tensor(drawn, dtype=dtype, requires_grad=requires_grad)


# --- which dtype

PRODUCTS = {
    "conv1d": lambda x: F.conv1d(x(2, 3, 8), x(4, 3, 3), x(4)),
    "conv2d": lambda x: F.conv2d(x(2, 3, 8, 8), x(4, 3, 3, 3), x(4)),
    "conv3d": lambda x: F.conv3d(x(1, 2, 4, 4, 4), x(3, 2, 2, 2, 2), x(3)),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x(2, 3, 4, 4), x(3, 2, 2, 2), x(2)),
    "linear": lambda x: F.linear(x(2, 3), x(4, 3), x(4)),
    "bilinear": lambda x: F.bilinear(x(2, 3), x(2, 4), x(5, 3, 4), x(5)),
    "matmul": lambda x: x(2, 3) @ x(3, 4),
    "mv": lambda x: tc.mv(x(2, 3), x(3)),
    "bmm": lambda x: tc.bmm(x(5, 2, 3), x(5, 3, 4)),
    "addmm": lambda x: tc.addmm(x(4), x(2, 3), x(3, 4)),
    "einsum": lambda x: tc.einsum("ij,jk->ik", x(2, 3), x(3, 4)),
    "tensordot": lambda x: tc.tensordot(x(2, 3), x(3, 4), 1),
    "prelu": lambda x: F.prelu(x(2, 3), x(1)),
    "attention": lambda x: F.scaled_dot_product_attention(x(2, 4, 3), x(2, 5, 3), x(2, 5, 3), x(4, 5)),
}
SENSITIVE = {
    "exp": lambda x: x(3).exp(),
    "log": lambda x: x(3).log(),
    "pow": lambda x: x(3) ** 2.5,
    "sum": lambda x: x(3).sum(),
    "prod": lambda x: x(3).prod(),
    "cumsum": lambda x: tc.cumsum(x(3), 0),
    "norm": lambda x: tc.norm(x(3)),
    "softmax": lambda x: F.softmax(x(2, 3), 1),
    "log_softmax": lambda x: F.log_softmax(x(2, 3), 1),
    "logsumexp": lambda x: tc.logsumexp(x(2, 3), 1),
    "layer_norm": lambda x: F.layer_norm(x(2, 3), 3),
    "group_norm": lambda x: F.group_norm(x(2, 4, 3), 2),
    "rms_norm": lambda x: F.rms_norm(x(2, 3), 3),
    "cosine_similarity": lambda x: F.cosine_similarity(x(2, 3), x(2, 3)),
    "cross_entropy": lambda x: F.cross_entropy(x(2, 3), tc.tensor([0, 2])),
    "mse_loss": lambda x: F.mse_loss(x(2, 3), x(2, 3)),
    "l1_loss": lambda x: F.l1_loss(x(3), x(3)),
    "nll_loss": lambda x: F.nll_loss(x(2, 3), tc.tensor([0, 2])),
    "kl_div": lambda x: F.kl_div(x(2, 3), x(2, 3)),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(x(3), x(3)),
    "triplet_margin_loss": lambda x: F.triplet_margin_loss(x(2, 3), x(2, 3), x(2, 3)),
}


@each_dtype
@pytest.mark.parametrize("given", [tc.float32, *NARROW], ids=str)
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_computed_in_16_bits(name, given, dtype):
    with tc.amp.autocast(dtype):
        result = PRODUCTS[name](lambda *shape: numbers(*shape, dtype=given))
    assert result.dtype is dtype


@each_dtype
@pytest.mark.parametrize("name", SENSITIVE)
def test_what_needs_range_or_digits_is_computed_in_float32(name, dtype):
    given = []

    def x(*shape):
        given.append(numbers(*shape, dtype=dtype, seed=len(given)))
        return given[-1]

    with tc.amp.autocast(dtype):
        result = SENSITIVE[name](x)
    wide = iter([value.to(tc.float32) for value in given])
    expected = SENSITIVE[name](lambda *shape: next(wide))
    assert result.dtype is tc.float32
    np.testing.assert_array_equal(result.numpy(), expected.numpy())


@each_dtype
def test_the_rest_takes_what_comes(dtype):
    x, wide = numbers(2, 3, 4, 4, dtype=dtype), numbers(2, 3, 4, 4)
    with tc.amp.autocast(dtype):
        assert [y.dtype for y in (x.relu(), F.max_pool2d(x, 2), F.avg_pool2d(x, 2), x + x)] == [dtype] * 4
        assert (x + wide).dtype is tc.float32
        assert (wide * 2).dtype is tc.float32


AT = tc.tensor([1, 0])
JOINED = {
    "cat": lambda x, y: tc.cat([x, y]),
    "stack": lambda x, y: tc.stack([x, y], 1),
    "scatter": lambda x, y: tc.scatter(x, 0, AT, y),
    "scatter_add": lambda x, y: tc.scatter_add(x, 0, AT, y),
    "index_add": lambda x, y: tc.index_add(x, 0, AT, y),
}
each_joining = pytest.mark.parametrize("join", JOINED.values(), ids=JOINED)


@each_joining
@pytest.mark.parametrize(
    ("one", "other", "widest"),
    [
        (tc.bfloat16, tc.bfloat16, tc.bfloat16),
        (tc.bfloat16, tc.float32, tc.float32),
        (tc.float16, tc.bfloat16, tc.float32),
        (tc.float16, tc.float64, tc.float64),
    ],
    ids=str,
)
def test_what_is_joined_meets_in_the_widest(join, one, other, widest):
    x, y = (tc.tensor([0.5, 2.0], dtype=dtype, requires_grad=True) for dtype in (one, other))
    expected = join(x.detach().to(widest), y.detach().to(widest))
    for first, second in ((x, y), (y, x)):
        with tc.amp.autocast(tc.bfloat16):
            z = join(first, second)
        assert z.dtype is widest
        np.testing.assert_array_equal(z.detach().numpy(), expected.numpy())
        gradients = tc.grad(z, (first, second), tc.ones(*z.shape, dtype=widest))
        assert [gradient.dtype for gradient in gradients] == [first.dtype, second.dtype]


@each_joining
def test_what_is_joined_is_not_mixed_without_autocast_nor_with_integers(join):
    x = numbers(2)
    with pytest.raises(DTypeError):
        join(x.to(tc.bfloat16), x)
    with tc.amp.autocast(), pytest.raises(DTypeError):
        join(x, tc.tensor([1, 2]))
    with tc.amp.autocast():
        assert join(tc.tensor([1, 2]), tc.tensor([3, 4])).dtype is tc.int64


def test_a_short_cut_beside_a_convolution_is_float32():
    x, w = numbers(1, 2, 4, 4), numbers(3, 2, 1, 1)
    with tc.amp.autocast("bfloat16"):
        joined = tc.cat([F.conv2d(x, w), x], 1)
    assert (joined.dtype, joined.shape) == (tc.float32, (1, 5, 4, 4))


def test_float64_is_left_alone():
    x = numbers(2, 3, dtype=tc.float64)
    with tc.amp.autocast(tc.float16):
        assert F.linear(x, x).dtype is tc.float64


def test_without_autocast_dtypes_do_not_mix():
    with pytest.raises(DTypeError):
        F.linear(numbers(2, 3, dtype=tc.float16), numbers(4, 3))


# --- gradients


@each_dtype
def test_gradients_come_back_through_the_casts(dtype):
    x, w, b = numbers(5, 3), numbers(4, 3, seed=1), numbers(4, seed=2)
    leaves = [value.requires_grad_() for value in (x, w, b)]
    with tc.amp.autocast(dtype):
        y = F.linear(x, w, b)
    loss = (y.to(tc.float32) ** 2).sum()
    loss.backward()
    g = (2 * y.detach().to(tc.float32)).to(dtype)
    low = [value.detach().to(dtype) for value in leaves]
    expected = [g @ low[1], g.T @ low[0], g.sum(0)]
    for leaf, gradient in zip(leaves, expected, strict=True):
        assert leaf.grad.dtype is tc.float32
        np.testing.assert_array_equal(leaf.grad.numpy(), gradient.to(tc.float32).numpy())


def test_casts_are_operations_of_the_graph():
    w = numbers(4, 3, requires_grad=True)
    with tc.amp.autocast(tc.float16):
        y = F.linear(numbers(5, 3, requires_grad=True), w)
    names = [node.op for node in tc.Graph.of(y).nodes]
    assert names.count("cast") == 2


@each_dtype
def test_backward_computes_as_forward_did_inside_of_the_block_too(dtype):
    def gradients(inside):
        tc.manual_seed(0)
        model = tc.nn.Sequential(tc.nn.Linear(6, 5), tc.nn.Tanh(), tc.nn.Linear(5, 3))
        with tc.amp.autocast(dtype):
            loss = F.cross_entropy(model(numbers(4, 6)), tc.tensor([0, 1, 2, 0]))
            if inside:
                loss.backward()
        if not inside:
            loss.backward()
        return [parameter.grad.numpy() for parameter in model.parameters()]

    for one, other in zip(gradients(False), gradients(True), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("around", [nullcontext, tc.detect_anomaly], ids=["", "anomaly"])
def test_backward_in_a_block_leaves_what_was_computed_outside_of_it(around):
    x, w = numbers(2, 3), numbers(3, 4, requires_grad=True)
    y = x @ w
    with tc.amp.autocast(tc.float16), around():
        (gradient,) = tc.grad(y, (w,), numbers(2, 4, seed=1))
    np.testing.assert_array_equal(gradient.numpy(), (x.T @ numbers(2, 4, seed=1)).numpy())


# --- batch normalization


@each_dtype
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_keeps_statistics_in_float32(dtype, training):
    layer, reference = tc.nn.BatchNorm2d(3), tc.nn.BatchNorm2d(3)
    x = numbers(4, 3, 5, 5, dtype=dtype)
    for one in (layer, reference):
        one.train(training)
    y, expected = layer(x), reference(x.to(tc.float32))
    assert y.dtype is dtype
    np.testing.assert_array_equal(y.to(tc.float32).numpy(), expected.to(dtype).to(tc.float32).numpy())
    for mine, wide in zip(layer.buffers(), reference.buffers(), strict=True):
        assert mine.dtype is wide.dtype
        np.testing.assert_array_equal(mine.numpy(), wide.numpy())


@each_dtype
def test_batch_norm_gives_each_gradient_in_the_dtype_of_its_own(dtype):
    x = numbers(4, 3, 5, 5, dtype=dtype, requires_grad=True)
    weight, bias = numbers(3, requires_grad=True), numbers(3, requires_grad=True)
    g = numbers(4, 3, 5, 5, dtype=dtype, seed=3)
    y = F.batch_norm(x, None, None, weight, bias, training=True)
    plain = tc.grad(y, (x, weight, bias), g, retain_graph=True)
    composed = tc.grad(y, (x, weight, bias), g, create_graph=True)  # through what it is made of
    assert [one.dtype for one in plain] == [one.dtype for one in composed] == [dtype, tc.float32, tc.float32]
    wide = [value.detach().to(tc.float32).requires_grad_() for value in (x, weight, bias)]
    z = F.batch_norm(wide[0], None, None, *wide[1:], training=True)
    for found, same, expected in zip(plain, composed, tc.grad(z, wide, g.to(tc.float32)), strict=True):
        tolerance = 2e-2 if found.dtype is tc.bfloat16 else 2e-3 if found.dtype is dtype else 1e-4
        np.testing.assert_allclose(found.to(tc.float32).numpy(), expected.numpy(), atol=tolerance)
        np.testing.assert_allclose(same.to(tc.float32).numpy(), expected.numpy(), atol=tolerance)


@each_dtype
def test_other_norms_beside_vectors_in_float32(dtype):
    x = numbers(4, 3, 5, dtype=dtype)
    assert F.instance_norm(x, weight=numbers(3), bias=numbers(3)).dtype is dtype
    with pytest.raises(DTypeError):
        F.batch_norm(x, None, None, numbers(3, dtype=tc.float64), None, training=True)
    with pytest.raises(DTypeError):
        F.batch_norm(numbers(4, 3), None, None, numbers(3, dtype=dtype), None, training=True)


# --- the block


def test_blocks_nest_and_end():
    x = numbers(2, 2)
    with tc.amp.autocast(tc.float16):
        with tc.amp.autocast(tc.bfloat16):
            assert (x @ x).dtype is tc.bfloat16
            with tc.amp.autocast(enabled=False):
                assert (x @ x).dtype is tc.float32
        assert (x @ x).dtype is tc.float16
    assert (x @ x).dtype is tc.float32
    with pytest.raises(ZeroDivisionError), tc.amp.autocast(tc.float16):
        raise ZeroDivisionError
    assert (x @ x).dtype is tc.float32


def test_as_a_decorator_in_this_thread_only():
    x, entered, seen = numbers(2, 2), threading.Event(), []

    @tc.amp.autocast(tc.float16)
    def product(look=lambda: None):
        look()
        return (x @ x).dtype

    def elsewhere():
        entered.wait()
        seen.append((x @ x).dtype)

    other = threading.Thread(target=elsewhere)
    other.start()

    def look():
        entered.set()
        other.join()

    assert product(look) is product() is tc.float16
    assert seen == [tc.float32]


@pytest.mark.parametrize("dtype", [tc.float32, "float64", tc.int16])
def test_only_floats_of_16_bits(dtype):
    with pytest.raises(DTypeError, match="16 bits"):
        tc.amp.autocast(dtype)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: tc.amp.autocast("cuda", dtype=tc.float16), "where the tensors are: autocast(tc.float16)"),
        (lambda: tc.amp.autocast(device_type="cuda"), "where the tensors are: autocast(tc.float16)"),
        (lambda: tc.amp.autocast("cuda"), "where the tensors are: autocast(tc.float16)"),
        (lambda: tc.amp.autocast(lambda x: x), "@autocast()"),
        (lambda: tc.amp.autocast(dtyp=tc.float16), "did you mean 'dtype'?"),
        (lambda: tc.amp.autocast([tc.float16]), None),
        (lambda: tc.amp.autocast(enabled="no"), None),
    ],
)
def test_what_people_write_who_come_from_pytorch(call, hint):
    with pytest.raises((ArgumentTypeError, DTypeError)) as caught:
        call()
    assert caught.value.expected is not None
    assert caught.value.got is not None
    assert hint in caught.value.hint if hint else caught.value.hint is None


# --- too large for float16


def test_images_that_float16_cannot_hold_are_to_be_standardized():
    x, w = tc.full((1, 2), 1e5), numbers(3, 2)
    with (
        np.errstate(over="ignore"),
        tc.detect_anomaly(),
        tc.amp.autocast(tc.float16),
        pytest.raises(NonFiniteError) as caught,
    ):
        F.linear(x, w)
    assert caught.value.op == "cast"
    assert caught.value.hint == "float16 ends at 65504: standardize the images, or compute in bfloat16"
    with tc.detect_anomaly(), tc.amp.autocast(tc.bfloat16):
        F.linear(x, w)


def test_sums_and_gradients_that_float16_cannot_hold():
    x, w = tc.full((1, 2), 6e4), numbers(3, 2, requires_grad=True)
    with (
        np.errstate(over="ignore"),
        tc.detect_anomaly(),
        tc.amp.autocast(tc.float16),
        pytest.raises(NonFiniteError) as caught,
    ):
        x @ (w.detach().T * 3)
    assert caught.value.op == "matmul"
    assert "65504: standardize the images" in caught.value.hint
    with tc.amp.autocast(tc.float16):
        loss = F.linear(tc.ones(1, 2), w).float().sum() * 1e6
    with np.errstate(over="ignore"), tc.detect_anomaly(), pytest.raises(NonFiniteError) as caught:
        loss.backward()
    assert "scale the loss less" in caught.value.hint


def test_other_results_that_are_not_finite_have_other_reasons():
    with np.errstate(all="ignore"), tc.detect_anomaly(), pytest.raises(NonFiniteError) as caught:
        tc.zeros(2).log()
    assert "a logarithm" in caught.value.hint
    with np.errstate(all="ignore"), tc.detect_anomaly(), pytest.raises(NonFiniteError) as caught:
        tc.zeros(2, dtype=tc.float16) / 0.0
    assert "a logarithm" in caught.value.hint  # NaN is no overflow


def test_without_ml_dtypes_bfloat16_says_what_to_install(monkeypatch):
    known = NUMPY_DTYPES.pop(tc.bfloat16)
    try:
        monkeypatch.setitem(sys.modules, "ml_dtypes", None)
        x = numbers(2, 2)
        with pytest.raises(OptionalDependencyError, match=r"ml_dtypes") as caught, tc.amp.autocast():
            x @ x
        assert "tinygrad-cnn[amp]" in caught.value.hint
        with tc.amp.autocast(tc.float16):  # which needs nothing
            assert (x @ x).dtype is tc.float16
    finally:
        NUMPY_DTYPES[tc.bfloat16] = known


# --- captured steps


def test_a_captured_function_is_recorded_anew_under_autocast():
    w = numbers(2, 2)
    product = tc.capture(lambda x: x @ w)
    wide = product(w)
    with tc.amp.autocast(tc.float16):
        low = product(w)
    assert (wide.dtype, low.dtype, len(product.plans)) == (tc.float32, tc.float16, 2)
    np.testing.assert_array_equal(product(w).numpy(), wide.numpy())


def labelled(number):
    """Images of 10 classes, each with a bright line elsewhere."""
    rng = np.random.default_rng(number)
    y = rng.integers(0, 10, 32)
    x = rng.normal(scale=0.3, size=(32, 1, 28, 28)).astype(np.float32)
    x[np.arange(32), 0, 2 * y + 3] += 2
    return tc.tensor(x), tc.tensor(y)


def losses(dtype, wrap, steps):
    tc.manual_seed(0)
    model = tc.nn.Sequential(
        *[tc.nn.Conv2d(1, 6, 5, padding=2), tc.nn.BatchNorm2d(6), tc.nn.ReLU(), tc.nn.MaxPool2d(2)],
        *[tc.nn.Conv2d(6, 8, 5), tc.nn.ReLU(), tc.nn.AvgPool2d(2), tc.nn.Flatten(), tc.nn.Dropout(0.1)],
        tc.nn.Linear(8 * 5 * 5, 10),
    )
    optimizer = tc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scaler = tc.amp.GradScaler(init_scale=1024.0, enabled=dtype is tc.float16)

    def step(x, y):
        optimizer.zero_grad()
        with tc.amp.autocast(dtype or tc.float16, enabled=dtype is not None):
            loss = F.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss

    run = wrap(step)
    found = [run(*labelled(number)).item() for number in range(steps)]
    assert {parameter.dtype for parameter in model.parameters()} == {tc.float32}
    return found, [parameter.numpy().copy() for parameter in model.parameters()]


@each_dtype
def test_a_network_learns_as_in_float32(dtype):
    expected, _ = losses(None, tc.capture, 30)
    found, _ = losses(dtype, tc.capture, 30)
    assert np.mean(found[-5:]) < 0.1
    np.testing.assert_allclose(found[:8], expected[:8], atol=0.05 if dtype is tc.bfloat16 else 0.01)
    assert found[:8] != expected[:8]


@each_dtype
def test_a_captured_step_is_bit_for_bit_the_step(dtype):
    eager, weights = losses(dtype, lambda step: step, 4)
    captured, same = losses(dtype, tc.capture, 4)
    assert eager == captured
    for one, other in zip(weights, same, strict=True):
        np.testing.assert_array_equal(one, other)
