"""Why a gradient is zero, NaN, tiny or huge: every reason, through small networks, here and from a file."""

import re

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import GradientError, UnknownName
from tinygrad_cnn.viz.explain import HUGE, TINY, Explanation


def linear(weight):
    layer = nn.Linear(len(weight[0]), len(weight), bias=False)
    layer.weight.assign(weight)
    return layer


def leaf(value, name):
    return tc.tensor(value, requires_grad=True, name=name)


def graph_of(compute):
    with tc.record(), np.errstate(all="ignore"):
        result = compute()
    return tc.Graph.of(result)


@pytest.fixture
def explained(tmp_path):
    """Explain a gradient, and check that a trace of the same computation is explained in the same words."""

    def explain(compute, name):
        graph = graph_of(compute)
        found = graph.explain(name)
        assert isinstance(found, Explanation)
        assert tc.Graph.load(graph.save(tmp_path / "trace.json", most_elements=1)).explain(name) == found
        return found

    return explain


IMAGE = [[1.0, 2.0]]
FIRST = "Sequential/0/weight"


def network(*layers):
    return lambda: nn.Sequential(*layers)(tc.tensor(IMAGE, name="x")).sum()


# --- zero


ZEROS = {
    "a dead ReLU": (
        network(linear([[-1.0, -2.0], [-3.0, -1.0]]), nn.ReLU(), nn.Linear(2, 1)),
        "at Sequential/1/relu none of the 2 inputs is positive, so nothing passes (a dead ReLU)",
    ),
    "a saturated sigmoid": (
        network(linear([[100.0, 200.0], [-300.0, -100.0]]), nn.Sigmoid(), nn.Linear(2, 1)),
        "at Sequential/1/sigmoid the inputs lie in −500 … 500, where the curve is flat (saturated)",
    ),
    "a saturated tanh": (
        network(linear([[20.0, 5.0], [-11.0, -6.0]]), nn.Tanh(), nn.Linear(2, 1)),
        "at Sequential/1/tanh the inputs lie in −23 … 30, where the curve is flat (saturated)",
    ),
    "a dropout mask": (
        network(nn.Linear(2, 2), nn.Dropout(1.0), nn.Linear(2, 1)),
        "at Sequential/1/mul_1 it is multiplied by the dropout mask, which is 0 everywhere",
    ),
    "weights of zero": (
        network(nn.Linear(2, 2), linear([[0.0, 0.0]])),
        "at Sequential/1/matmul it is multiplied by Sequential/1/weight, which is 0 everywhere",
    ),
    "one value normalized": (
        network(nn.Linear(2, 1), nn.LayerNorm(1), nn.Linear(1, 1)),
        "at Sequential/1/standardize only one value is normalized at a time, "
        "and the result is 0 whatever it is",
    ),
}


@pytest.mark.parametrize("case", ZEROS)
def test_zero_in_a_network(explained, case):
    compute, why = ZEROS[case]
    found = explained(compute, FIRST)
    assert found.verdict == "zero"
    assert found.sentence == f"The gradient of {FIRST} is zero: {why}."
    assert "test_explain.py" in found.source
    assert str(found) == f"{found.sentence}\n  at: {found.source}"


@pytest.mark.parametrize(
    ("compute", "why"),
    [
        (lambda w, v: tc.maximum(w, v).sum(), "at maximum the other one was larger, and only the winner"),
        (lambda w, v: tc.minimum(w, -v).sum(), "at minimum the other one was smaller, and only the winner"),
        (lambda w, v: tc.where(w > 0, v, w * 2).sum(), "at where the condition chose the other branch"),
        (lambda w, v: w.clamp(-1, 0.5).sum(), "at clamp the inputs lie outside of the bounds"),
        (lambda w, v: (w * 0.0).sum(), "at mul it is multiplied by 0."),
        (lambda w, v: w.sign().sum(), "at sign there is no slope: the result jumps or stays"),
        (lambda w, v: (w - w).sum(), "the contributions that arrive at w cancel each other out"),
        (lambda w, v: ((w - [1.0, 5.0, 2.0]) ** 2).sum(), "at pow the input is 0, where the slope is 0"),
        (lambda w, v: F.cross_entropy(w[None] * 1000, tc.tensor([1])), "the loss is 0 already"),
        (lambda w, v: F.cross_entropy(w[None], tc.tensor([-100])), "every label is ignored"),
        (
            lambda w, v: ((w * 1e30) * (v * 1e30)).log().sum(),
            "at log the input is infinite, and the slope there 0",
        ),
        (lambda w, v: (w * 1e-30 * 1e-30).sum(), "or is too small for its dtype"),
    ],
)
def test_zero_at_an_operation(explained, compute, why):
    w, v = leaf([1.0, 5.0, 2.0], "w"), leaf([9.0, 6.0, 7.0], "v")
    found = explained(lambda: compute(w, v), "w")
    assert found.verdict == "zero"
    assert why in found.sentence


def test_images_of_zero(explained):
    images = tc.zeros(1, 1, 3, 3)
    images.name = "images"
    found = explained(lambda: nn.Conv2d(1, 2, 2)(images).sum(), "Conv2d/weight")
    assert "at Conv2d/conv it is multiplied by images, which is 0 everywhere" in found.sentence


def test_zero_from_the_start():
    w = leaf([1.0, 2.0], "w")
    graph = graph_of(lambda: w * 3)
    graph.backward(tc.zeros(2))
    found = graph.explain("w")
    assert (found.verdict, found.culprit) == ("zero", None)
    assert found.sentence == "The gradient of w is zero: so is the gradient that the walk started with."


def test_the_culprit_nearest_to_the_loss_is_blamed(explained):
    """Above a dead ReLU all gradients are zero; a second dead ReLU there has done nothing."""
    layers = linear([[-1.0, -2.0]]), nn.ReLU(), linear([[1.0], [-1.0]]), nn.ReLU(), linear([[1.0, 1.0]])
    assert "at Sequential/3/relu" in explained(network(*layers), FIRST).sentence


# --- zero in some elements


def test_partly_zero_behind_a_relu(explained):
    found = explained(network(linear([[1.0, 2.0], [-3.0, -1.0]]), nn.ReLU(), nn.Linear(2, 1)), FIRST)
    assert found.verdict == "partly zero"
    assert found.sentence == (
        f"The gradient of {FIRST} is zero in 2 of 4 elements: "
        "at Sequential/1/relu nothing passes where the input is not positive, in 1 of 2 places."
    )


def test_partly_zero_behind_a_dropout_mask(explained):
    tc.manual_seed(0)
    found = explained(network(nn.Linear(2, 6), nn.Dropout(0.5), nn.Linear(6, 1)), FIRST)
    assert found.verdict == "partly zero"
    share, mask = re.findall(r"in (\d) of (?:12|6)", found.sentence)
    assert int(share) == 2 * int(mask)
    assert "at Sequential/1/mul_1 it is multiplied by the dropout mask" in found.sentence


def test_partly_zero_behind_a_max_pool(explained):
    x = leaf([[[[1.0, 2.0], [3.0, 4.0]]]], "x")
    found = explained(lambda: F.max_pool2d(x, 2).sum(), "x")
    assert found.sentence == (
        "The gradient of x is zero in 3 of 4 elements: "
        "at max_pool only the largest element of each window gets a gradient."
    )


@pytest.mark.parametrize(
    ("compute", "name", "why"),
    [
        (lambda w: w.amax(), "w", "in 2 of 3 elements: at amax only the largest element"),
        (lambda w: w.min(0)[0], "w", "in 2 of 3 elements: at min_along only the smallest element"),
        (lambda w: w[1] * 2, "w", "in 2 of 3 elements: at slice_view only what was taken"),
        (
            lambda w: nn.Embedding(5, 2)(tc.tensor([1, 1, 3])).sum() + w.sum(),
            "Embedding/weight",
            "in 6 of 10 elements: at Embedding/embedding only what was taken",
        ),
    ],
)
def test_partly_zero_because_of_a_choice(explained, compute, name, why):
    w = leaf([1.0, 5.0, 2.0], "w")
    found = explained(lambda: compute(w), name)
    assert found.verdict == "partly zero"
    assert why in found.sentence


def test_the_operation_that_made_most_zeros_is_blamed(explained):
    """A mask loses a quarter, the maximum after it all but one."""
    w, mask = leaf([1.0, 2.0, 3.0, 4.0], "w"), tc.tensor([1.0, 1.0, 1.0, 0.0], name="mask")
    assert "at amax" in explained(lambda: (w * mask).amax(), "w").sentence
    assert "by mask, which is 0 in 1 of 4 places" in explained(lambda: (w * mask).sum(), "w").sentence


# --- NaN and infinite


@pytest.mark.parametrize(
    ("compute", "verdict", "why"),
    [
        (
            lambda w: (w * 100).exp().log().sum(),
            "NaN",
            "on the way forward exp is infinite: an exponential overflows; mul lies in 100 … 500.",
        ),
        (
            lambda w: (w - 1).log().sum(),
            "infinite",
            "log is infinite: the logarithm of 0 is −∞, and of less than 0 NaN; sub lies in 0 … 4.",
        ),
        (
            lambda w: (w - 3).sqrt().sum(),
            "NaN",
            "sqrt is NaN: a number below 0 has no root; sub lies in −2 … 2.",
        ),
        (lambda w: (1 / (w - 1)).sum(), "infinite", "div is infinite: it divides by 0; sub lies in 0 … 4."),
        (
            lambda w: (w * tc.tensor([float("inf"), 0.0, 1.0], name="mask")).sum() * 0.0,
            "NaN",
            "mask itself is infinite, before anything is computed.",
        ),
        (
            lambda w: (w * tc.tensor([1.0, float("nan"), 1.0], name="data")).sum(),
            "NaN",
            "data itself is NaN, before anything is computed.",
        ),
        (
            lambda w: ((w * 1e38) * (w * 1e38)).square().sum(),
            "infinite",
            "the result is too large for its dtype",
        ),
        (lambda w: (w - 1).sqrt().sum(), "infinite", "at sqrt a root is infinitely steep at 0."),
        (
            lambda w: tc.where(w > 1, (w - 1).sqrt(), w).sum(),
            "NaN",
            "at sqrt a root is infinitely steep at 0, and 0 · ∞ is NaN; a tc.where around it gives that 0",
        ),
    ],
)
def test_not_finite(explained, compute, verdict, why):
    w = leaf([1.0, 5.0, 2.0], "w")
    found = explained(lambda: compute(w), "w")
    assert found.verdict == verdict
    assert found.sentence.startswith(f"The gradient of w is {verdict}: ")
    assert why in found.sentence


# --- tiny and huge


def test_huge_growth_through_layers(explained):
    found = explained(network(*(linear([[10.0, 0.0], [0.0, 10.0]]) for _ in range(6))), FIRST)
    assert found.verdict == "huge"
    assert found.sentence == (
        f"The gradient of {FIRST} is huge, at most 200000: its largest element is multiplied by 10 at "
        "Sequential/5/matmul, and 5 more matmul lie on the way."
    )


def test_the_layer_that_multiplies_most_is_blamed(explained):
    layers = linear([[2.0, 0.0], [0.0, 2.0]]), linear([[1e5, 0.0], [0.0, 1.0]]), linear([[3.0, 1.0]])
    assert "multiplied by 100000 at Sequential/1/matmul" in explained(network(*layers), FIRST).sentence


def test_a_gradient_vanishes_in_sigmoids(explained):
    layers = [layer for _ in range(8) for layer in (linear([[8.0, 0.0], [0.0, 9.0]]), nn.Sigmoid())]
    found = explained(network(*layers), FIRST)
    assert found.verdict == "tiny"
    assert re.search(
        r"at Sequential/\d+/sigmoid, and 7 more sigmoid lie on the way; the inputs lie in", found.sentence
    )


def test_contributions_that_nearly_cancel(explained):
    """The sum of a softmax is 1 whatever it is taken of; rounding leaves a little."""
    w = leaf([1.0, 5.0, 2.0], "w")
    found = explained(lambda: F.softmax(w, 0).sum(), "w")
    assert (found.verdict, found.sentence[-59:]) == (
        "tiny",
        "the contributions that arrive at exp cancel each other out.",
    )


def test_batch_norm_of_two_images(explained):
    x = tc.tensor([[1.0, 2.0], [30.0, 50.0]], name="x")
    layers = nn.Sequential(linear([[1e3, 1e3]]), nn.BatchNorm1d(1))
    found = explained(lambda: layers(x)[0].sum(), FIRST)
    assert found.verdict in ("tiny", "zero")
    assert (
        "two values are normalized at a time, and the result is 1 and −1 whatever they are" in found.sentence
    )


@pytest.mark.parametrize(("factor", "verdict"), [(0.9 * HUGE, "fine"), (1.1 * HUGE, "huge")])
def test_huge_begins_at_a_thousand(explained, factor, verdict):
    w = leaf([1.0], "w")
    assert explained(lambda: (w * factor).sum(), "w").verdict == verdict


@pytest.mark.parametrize(("factor", "verdict"), [(1.1 * TINY, "fine"), (0.9 * TINY, "tiny")])
def test_tiny_ends_at_a_ten_millionth(explained, factor, verdict):
    w = leaf([1.0], "w")
    assert explained(lambda: (w * factor).sum(), "w").verdict == verdict


# --- missing


@pytest.mark.parametrize(
    ("compute", "why"),
    [
        (lambda w, v: w.round().sum() + v.sum(), "round gives none back: it has no slope"),
        (lambda w, v: (w.argmax().to("float32") * v).sum(), "argmax gives none back: it has no slope"),
    ],
)
def test_what_has_no_slope(explained, compute, why):
    w, v = leaf([1.0, 5.0], "w"), leaf([2.0, 3.0], "v")
    found = explained(lambda: compute(w, v), "w")
    assert (found.verdict, found.sentence) == ("missing", f"No gradient arrives at w: {why}.")


def test_under_no_grad(explained):
    w, v = leaf([1.0, 5.0], "w"), leaf([2.0, 3.0], "v")

    def compute():
        with tc.no_grad():
            features = w * 2
        return (features * v).sum()

    found = explained(compute, "w")
    assert found.verdict == "missing"
    assert (
        found.sentence == "No gradient arrives at w: mul gives none back: it was computed under tc.no_grad()."
    )


def test_data_gets_no_gradient(explained):
    found = explained(network(nn.Linear(2, 1)), "x")
    assert found.verdict == "missing"
    assert "does not require one: it is data, frozen, detached" in found.sentence


def test_detached_parameters_are_in_no_graph():
    features, head = nn.Linear(2, 2), nn.Linear(2, 1)
    graph = graph_of(lambda: head(features(tc.tensor(IMAGE)).detach()).sum())
    with pytest.raises(UnknownName, match="detached on the way to the result"):
        graph.explain("features/weight")


def test_a_frozen_parameter_stays_in_its_layer_and_gets_nothing():
    layer = nn.Linear(2, 1)
    layer.weight.requires_grad_(False)
    graph = graph_of(lambda: layer(tc.tensor(IMAGE)).sum())
    assert graph.explain("Linear/weight").verdict == "missing"
    assert "frozen" in graph.explain(layer.weight).sentence


# --- fine, and what cannot be explained


def test_a_gradient_that_is_fine(explained):
    w, v = leaf([1.0, 5.0], "w"), leaf([2.0, 3.0], "v")
    found = explained(lambda: (w * v).sum(), "w")
    assert found == Explanation("fine", "The gradient of w reaches up to 3.")


def test_a_mistyped_name_has_a_nearest():
    w = leaf([1.0], "weight")
    with pytest.raises(UnknownName, match="did you mean 'weight'"):
        graph_of(lambda: w.sum()).explain("wieght")


def test_a_result_that_cannot_be_walked():
    with tc.record():
        y = tc.tensor([1.0], name="x") * 2
    with pytest.raises(GradientError, match="requires a gradient"):
        tc.Graph.of(y).explain("x")


def test_many_sigmoids_that_are_not_saturated_make_a_gradient_vanish(explained):
    w = leaf([0.0], "w")

    def chain():
        h = w
        for _ in range(14):
            h = h.sigmoid()
        return h.sum()

    found = explained(chain, "w")
    assert found.verdict == "tiny"
    assert "saturated" not in found.sentence
    assert "nowhere steep" in found.sentence
