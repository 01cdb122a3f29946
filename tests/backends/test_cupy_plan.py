"""A captured step on the CuPy backend is one CUDA graph; here on the stand-ins, which are stricter than CUDA.

They do nothing while a graph is recorded, forget what memory held as soon as it is given back, and know
addresses only when a graph is replayed (`cupy_of_numpy/cupy/_device.py`).
"""

from __future__ import annotations

import gc
import itertools
import sys
import warnings

import cudnn_stand_in
import numpy as np
import pytest
from cupy_stand_in import emulator, kernels_run_by

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn._capture import CaptureWarning
from tinygrad_cnn._source import add_library
from tinygrad_cnn.errors import LateError, OutOfMemory
from tinygrad_cnn_backends.cupy import CupyBackend
from tinygrad_cnn_backends.cupy.plan import CudaPlan


@pytest.fixture(scope="module")
def cupy():
    add_library(sys.modules[CupyBackend.__module__])  # as when the backend is found by its name
    with cudnn_stand_in.installed() as (stand_in, _):
        yield stand_in


@pytest.fixture(scope="module")
def launched():
    """The names of the kernels that were started, one after the other."""
    return []


@pytest.fixture(scope="module")
def fused(cupy, libraries, launched):
    """The backend with its kernels."""
    with kernels_run_by(emulator().StandIn(libraries), cupy, launched):
        yield CupyBackend()


@pytest.fixture(scope="module")
def plain(cupy):
    """The backend with array functions only, which nothing is fused on."""
    return CupyBackend(overrides=False)


@pytest.fixture(params=["plain", "fused"])
def backend(request):
    return request.getfixturevalue(request.param)


# --- networks that learn


class Block(tc.nn.Module):
    """Two convolutions and a way around them, as in a residual network."""

    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2, self.around = (
            tc.nn.Conv2d(channels, channels, size, padding=size // 2, bias=False) for size in (3, 3, 1)
        )
        self.bn1, self.bn2, self.bn3 = (tc.nn.BatchNorm2d(channels) for _ in range(3))

    def forward(self, x):
        out = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (out + self.bn3(self.around(x))).relu()


def network():
    return tc.nn.Sequential(
        *(tc.nn.Conv2d(1, 2, 3), tc.nn.ReLU(), Block(2), tc.nn.MaxPool2d(2), tc.nn.Dropout(0.3)),
        *(tc.nn.Flatten(), tc.nn.Linear(8, 5), tc.nn.ReLU(), tc.nn.Linear(5, 3)),
    )


OPTIMIZERS = {
    "SGD": lambda params: tc.optim.SGD(params, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "Adam": lambda params: tc.optim.Adam(params, lr=0.01),
    "AMSGrad": lambda params: tc.optim.AdamW(params, lr=0.01, amsgrad=True),
}


class Training:
    """A network, its optimizer and a schedule, always from the same start."""

    def __init__(self, backend, make, wrap, network=network):
        self.backend, self.wrap = backend, wrap
        tc.manual_seed(0)
        with tc.use_backend(backend):
            self.model = network()
            self.optimizer = make(self.model.parameters())
            self.scheduler = tc.optim.lr_scheduler.StepLR(self.optimizer, step_size=2, gamma=0.9)
            self.batches = [(tc.rand(n, 1, 6, 6), tc.arange(n) % 3) for n in (4, 4, 3)]
        self.step = wrap(self._step)

    def _step(self, x, y):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def run(self, steps, batches=2):
        """The losses; other memory is asked for and given back all the time."""
        losses, others = [], []
        for number, (x, y) in zip(range(steps), itertools.cycle(self.batches[:batches]), strict=False):
            with tc.use_backend(self.backend):
                losses.append(self.step(x, y))
                others = [*others[-5:], tc.rand(number % 50, 7, backend=self.backend) * number]
                self.scheduler.step()
        return [loss.item() for loss in losses]

    def state(self):
        values = {**self.model.state_dict(), **dict(self.model.named_parameters())}
        return {name: value.numpy() for name, value in values.items()}


def learned(backend, make, wrap, scenario, **options):
    """What a scenario returns, the weights and statistics that it leaves, and the step that was run."""
    training = Training(backend, make, wrap, **options)
    found = scenario(training)
    return [np.array(one) for one in (*found, *training.state().values())], training.step


def captured_as_eager(backend, make, scenario, **options):
    """Replays do what the plan does kernel by kernel, bit by bit; and what the eager step does.

    Fused kernels may round otherwise than those they stand for, so only without them is that bit by bit, too.
    """
    captured, step = learned(backend, make, tc.capture, scenario, **options)
    eager, _ = learned(backend, make, lambda step: step, scenario, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CudaPlan, "_record", lambda plan: setattr(plan, "refusal", "a test"))
        one_by_one, unrecorded = learned(backend, make, tc.capture, scenario, **options)
    assert all(plan.graph is None for plan in unrecorded.plans)
    for place, value in enumerate(captured):
        np.testing.assert_array_equal(value, one_by_one[place])
        if backend.kernels:
            np.testing.assert_allclose(value, eager[place], rtol=1e-3, atol=1e-5)
        else:
            np.testing.assert_array_equal(value, eager[place])
    return step


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_replays_equal_eager_steps_bit_by_bit(backend, make):
    step = captured_as_eager(backend, make, lambda training: training.run(5))
    assert step.plan.graph.launches == 4  # all but the first, which warms up


def test_a_hundred_replays(plain):
    def small():
        return tc.nn.Sequential(
            *(tc.nn.Flatten(), tc.nn.BatchNorm1d(36), tc.nn.Dropout(0.3), tc.nn.Linear(36, 3))
        )

    step = captured_as_eager(plain, OPTIMIZERS["SGD"], lambda training: training.run(101), network=small)
    assert step.plan.graph.launches == 100


def test_other_shapes_have_a_graph_of_their_own(plain):
    """Batches of 4, 4 and 3; both graphs train the same weights, each in its own memory."""
    step = captured_as_eager(plain, OPTIMIZERS["Adam"], lambda training: training.run(12, batches=3))
    assert [plan.graph.launches for plan in step.plans] == [7, 3]


def test_evaluation_between_steps_of_training(plain):
    def scenario(training):
        def judge(x):
            with tc.no_grad():
                return training.model(x)

        judge, found = training.wrap(judge), []
        for _ in range(4):
            found += training.run(2)
            training.model.eval()
            found.append(judge(training.batches[0][0]).numpy())
            training.model.train()
        return found

    captured_as_eager(plain, OPTIMIZERS["SGD"], scenario)


def test_a_learning_rate_set_by_hand_is_seen(backend):
    def scenario(training):
        found = []
        for lr in (0.05, 0.5, 0.0):
            training.optimizer.param_groups[0]["lr"] = lr
            found += training.run(2)
        return found

    step = captured_as_eager(backend, OPTIMIZERS["SGD"], scenario)
    assert len(step.plans) == 1


def test_nothing_waits_for_the_gpu(backend, cupy):
    training = Training(backend, OPTIMIZERS["Adam"], tc.capture)
    x, y = training.batches[0]
    with tc.use_backend(backend):
        training.step(x, y)
        cupy.synchronizations.clear()
        before = cupy.cuda.Device.times_synchronized
        for _ in range(3):
            training.step(x, y)
    assert not cupy.synchronizations
    assert cupy.cuda.Device.times_synchronized == before


@pytest.mark.parametrize("hurries", [False, True], ids=["late", "early"])
def test_the_callers_stream_waits_for_the_plan_and_the_plan_for_it(plain, cupy, monkeypatch, hurries):
    """On a stream of the caller's own; the plan's does everything as late, or as early, as it may."""
    own = cupy.cuda.Stream()
    own.hurries = False
    monkeypatch.setattr(cupy.cuda.Stream, "hurries", hurries)
    with own:
        w = tc.tensor([1.0, 2.0], backend=plain)
        step = tc.capture(lambda x: (w.assign(w + x), w * 2)[1])
        for number in range(1, 6):
            x = tc.full((2,), 1.0, backend=plain) * 3
            result = step(x)
            del x
            assert result.tolist() == [2 + 6.0 * number, 4 + 6.0 * number]


# --- results and gradients


def test_results_are_the_callers(backend):
    step = tc.capture(lambda x: (x * 2, x.sum()))
    results = [step(tc.full((3,), float(number), backend=backend)) for number in range(5)]
    assert [(double.tolist(), total.item()) for double, total in results] == [
        ([2.0 * number] * 3, 3.0 * number) for number in range(5)
    ]


def test_gradients_lie_side_by_side_and_outlive_the_plan(backend):
    eager = Training(backend, OPTIMIZERS["SGD"], lambda step: step)
    eager.run(3)
    training = Training(backend, OPTIMIZERS["SGD"], tc.capture)
    training.run(3)
    gradients = [parameter.grad for parameter in training.model.parameters()]
    places = sorted((g.array.data.ptr, g.array.nbytes) for g in gradients)
    assert all(one + size == other for (one, size), (other, _) in itertools.pairwise(places))
    expected = [parameter.grad.numpy() for parameter in eager.model.parameters()]
    del training
    gc.collect()
    others = [tc.ones(n, backend=backend) for n in range(1, 400)]
    for gradient, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient.numpy(), other, rtol=1e-3, atol=1e-5)
    del others


def test_a_step_without_anything_to_do(backend):
    step = tc.capture(lambda x: x)
    assert [step(tc.ones(2, backend=backend)).tolist() for _ in range(3)] == [[1.0, 1.0]] * 3


# --- what cannot be recorded


def looking(B, x):
    """A kernel that decides by a value."""
    return B.xp.exp(x) if float(B.xp.max(x)) < 100 else x


@pytest.fixture
def curious(cupy):
    """A backend one of whose kernels waits for the GPU."""
    backend = CupyBackend(overrides=False)
    backend.kernels = {"exp": looking}
    return backend


def test_what_looks_at_a_value_is_no_graph_and_says_so_once(curious, plain):
    step = tc.capture(lambda x: (x * 2).exp())
    x = tc.zeros(3, backend=curious)
    assert step(x).tolist() == [1.0, 1.0, 1.0]
    with pytest.warns(CaptureWarning) as caught:
        assert step(x).tolist() == [1.0, 1.0, 1.0]
    assert [warning.filename for warning in caught] == [__file__]
    message = str(caught[0].message)
    assert "exp (at test_cupy_plan.py" in message
    assert "tc.capture(lambda x: (x * 2).exp())" in message
    assert "not permitted when stream is capturing: to look at a value" in message
    for number in range(3):
        assert step(x + number).tolist() == pytest.approx([np.exp(2 * number)] * 3)
    assert step.plan.graph is None
    assert step.plan.nbytes == 0
    assert "none: exp" in str(step.plan)
    # Nothing is left behind: the next step is a graph.
    other = tc.capture(lambda x: x + 1)
    assert [other(tc.zeros(1, backend=plain)).item() for _ in range(3)] == [1.0] * 3
    assert other.plan.graph is not None


def test_an_interrupted_recording_is_taken_up_again(plain, monkeypatch):
    step = tc.capture(lambda x: x.exp() + 1)
    x = tc.zeros(1, backend=plain)
    step(x)
    with monkeypatch.context() as patch:
        patch.setattr(plain.xp, "exp", lambda _: (_ for _ in ()).throw(KeyboardInterrupt), raising=False)
        with pytest.raises(KeyboardInterrupt):
            step(x)
    assert not step.plan._stream.is_capturing()
    assert [step(x).item() for _ in range(2)] == [2.0, 2.0]
    assert step.plan.graph is not None


def test_a_first_run_without_memory_may_be_tried_again(plain, cupy, monkeypatch):
    step = tc.capture(lambda x: x.exp())
    x = tc.zeros(1, backend=plain)
    with monkeypatch.context() as patch:

        def refuse(_):
            if cupy.cuda.get_current_stream() is not cupy.cuda.Stream.null:
                raise cupy.cuda.memory.OutOfMemoryError(12 * 2**30)
            return cupy.ones((1,), dtype=cupy.float32)

        patch.setattr(plain.xp, "exp", refuse, raising=False)
        with pytest.raises(OutOfMemory, match="exp: the GPU has no memory left") as caught:
            step(x)
    assert "tc.capture(lambda x: x.exp())" in str(caught.value.where)
    assert [step(x).item() for _ in range(3)] == [1.0] * 3


# --- what becomes one kernel


def names(backend, step, *arguments):
    """The steps of the plan of a captured step."""
    captured = tc.capture(step)
    with tc.use_backend(backend):
        captured(*arguments)
    return [one.name for one in captured.plan.steps]


def test_nothing_is_fused_without_kernels(plain):
    training = Training(plain, OPTIMIZERS["SGD"], tc.capture)
    training.run(1)
    steps = training.step.plan.steps
    assert [step.name for step in steps if step.name not in ("gradients",) and len(step.calls) != 1] == []


def test_a_residual_network_becomes_few_steps(fused):
    training = Training(fused, OPTIMIZERS["Adam"], tc.capture)
    training.run(1)
    found = [step.name for step in training.step.plan.steps]
    assert found.count("batch_norm_relu") == 2
    assert found.count("batch_norm_relu_grad") == 2
    assert found.count("batch_norm") == found.count("batch_norm_grad") == 1  # on the way around
    assert found.count("matmul_bias") == 2
    assert found.count("cross_entropy_of_labels") == found.count("cross_entropy_of_labels_grad") == 1
    assert [name for name in found if name in ("updates", "averages", "counters", "gradients")] == [
        *("gradients", "updates", "averages", "counters")
    ]
    assert not {"adam_step", "exp", "one_hot"}.intersection(found)


@pytest.fixture
def images(fused):
    return tc.rand(4, 2, 3, 3, backend=fused)


def normed(fused):
    """A batch normalization that keeps no statistics."""
    with tc.use_backend(fused):
        return tc.nn.BatchNorm2d(2, track_running_stats=False)


def test_batch_norm_takes_the_relu_that_follows_it(fused, images):
    norm = normed(fused)
    for step in (lambda x: norm(x), lambda x: norm(x) + x, lambda x: x + norm(x)):
        found = names(fused, lambda x, step=step: step(x).relu(), images)
        assert [name for name in found if name != "mul"] == ["batch_norm_relu"]  # mul: an unused variance


BESIDE = {
    "somebody else reads what it makes": lambda norm, x: ((out := norm(x)).relu(), out),
    "somebody else reads the sum": lambda norm, x: ((out := norm(x) + x).relu(), out),
    "the residual is stretched": lambda norm, x: (norm(x) + x[:1]).relu(),
    "the residual is itself": lambda norm, x: ((out := norm(x)) + out).relu(),
    "no ReLU follows": lambda norm, x: norm(x).exp(),
}


@pytest.mark.parametrize("step", BESIDE.values(), ids=BESIDE)
def test_batch_norm_stays_alone_where(fused, images, step):
    norm = normed(fused)
    assert "batch_norm_relu" not in names(fused, lambda x: step(norm, x), images)


def test_statistics_that_are_read_early_keep_batch_norm_early(fused, images):
    """The residual comes after somebody has read the statistics, so the fused kernel has no place to be."""
    one, other = normed(fused), normed(fused)
    state = tc.zeros(2, backend=fused)
    from tinygrad_cnn.ops.normalize import batch_norm

    def step(x):
        out, mean, _ = batch_norm(x, one.weight, one.bias, eps=1e-5)
        state.assign(mean.exp())
        return (out + other(x)).relu()

    assert names(fused, step, images).count("batch_norm_relu") == 1  # the other one, which is there in time


@pytest.mark.parametrize("reads_residual", [False, True])
def test_the_gradient_of_the_residual_is_written_where_somebody_reads_it(fused, images, reads_residual):
    norm = normed(fused)

    def step(x):
        residual = (x * 2).requires_grad_()
        wanted = [norm.weight, residual] if reads_residual else [norm.weight]
        residual = residual if reads_residual else residual.detach()
        return tc.grad((norm(x) + residual).relu().sum(), wanted)

    expected, captured = [g.numpy() for g in step(images)], tc.capture(step)
    for _ in range(3):
        for found, other in zip(captured(images), expected, strict=True):
            np.testing.assert_allclose(found.numpy(), other, rtol=1e-4, atol=1e-6)
    (whole,) = [one for one in captured.plan.steps if one.name == "batch_norm_relu_grad"]
    assert (whole.params["residual"], len(whole.outputs)) == (reads_residual, 3 + reads_residual)


@pytest.mark.parametrize("relu", [False, True])
def test_a_linear_layer_takes_its_bias_and_relu(fused, relu):
    with tc.use_backend(fused):
        layer, x = tc.nn.Linear(3, 2), tc.ones(4, 3)
    step = (lambda x: layer(x).relu()) if relu else layer
    assert names(fused, lambda x: step(x), x) == ["permute", "matmul_bias"]


OTHER_SUMS = {
    "of one number": lambda x, w, b: x @ w + b[0],
    "for each row": lambda x, w, b: x @ w + b[:, None],
    "of a stack": lambda x, w, b: x[None] @ w + b,
    "read before the sum": lambda x, w, b: ((out := x @ w) + b, out),
}


@pytest.mark.parametrize("step", OTHER_SUMS.values(), ids=OTHER_SUMS)
def test_other_sums_are_no_bias(fused, step):
    w, b = tc.ones(3, 3, backend=fused), tc.ones(3, backend=fused)
    assert "matmul_bias" not in names(fused, lambda x: step(x, w, b), tc.ones(3, 3, backend=fused))


def test_a_convolution_takes_its_bias_and_relu(fused):
    with tc.use_backend(fused):
        layer, x = tc.nn.Conv2d(1, 2, 3), tc.rand(2, 1, 5, 5)
    assert names(fused, lambda x: layer(x).relu(), x) == ["reshape", "conv_bias"]
    expected = layer(x).relu().numpy()
    captured = tc.capture(lambda x: layer(x).relu())
    for _ in range(3):
        np.testing.assert_allclose(captured(x).numpy(), expected, rtol=1e-5)


def test_the_gradient_of_cross_entropy_with_soft_labels(fused):
    """Weighted, and along a dimension that is not the last."""
    logits = tc.randn(3, 4, 2).to(fused).requires_grad_()
    labels = F.softmax(tc.randn(3, 4, 2).to(fused), 1)

    def step(labels):
        logits.grad = None
        F.cross_entropy(logits, labels, reduction="sum", label_smoothing=0.1).backward()

    step(labels)
    expected, captured = logits.grad.numpy(), tc.capture(step)
    for _ in range(3):
        captured(labels)
        np.testing.assert_allclose(logits.grad.numpy(), expected, rtol=1e-4)
    assert "softmax_cross_entropy_grad" in [one.name for one in captured.plan.steps]


def loss_of_labels(backend, labels=(0, 2, 1, 9, 2), dtype=tc.int64, **options):
    """The gradient of the logits, in a step and captured, and the plan's steps."""
    logits = tc.randn(5, 10, backend=backend, requires_grad=True)
    target = tc.tensor(labels, dtype=dtype, backend=backend)

    def step(target):
        logits.grad = None
        loss = F.cross_entropy(logits, target, **options)
        loss.backward()
        return loss

    eager, captured = [step(target).numpy(), logits.grad.numpy()], tc.capture(step)
    for _ in range(3):
        found = [captured(target).numpy(), logits.grad.numpy()]
        for one, other in zip(found, eager, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert captured.plan.graph is not None
    return [one.name for one in captured.plan.steps]


@pytest.mark.parametrize("dtype", [tc.uint8, tc.int32, tc.int64])
@pytest.mark.parametrize("ignore_index", [-100, 2])
def test_the_mean_loss_of_labels_is_two_steps(fused, dtype, ignore_index):
    found = loss_of_labels(fused, dtype=dtype, ignore_index=ignore_index)
    assert found == ["cross_entropy_of_labels", "cross_entropy_of_labels_grad", "gradients"]


def test_a_loss_without_a_gradient_is_one_step(fused):
    logits, labels = tc.randn(5, 10, backend=fused), tc.arange(5, backend=fused)
    assert names(fused, F.cross_entropy, logits, labels) == ["cross_entropy_of_labels"]


OTHER_LOSSES = {
    "smoothed": {"label_smoothing": 0.1},
    "a sum": {"reduction": "sum"},
    "of int8": {"dtype": tc.int8},
}


@pytest.mark.parametrize("options", OTHER_LOSSES.values(), ids=OTHER_LOSSES)
def test_other_losses_of_labels_stay_as_they_are(fused, options):
    assert "one_hot" in loss_of_labels(fused, **options)


def test_rows_that_somebody_else_reads_are_made(fused):
    from tinygrad_cnn.ops.loss import one_hot_op, ratio_of_sums, softmax_cross_entropy

    def step(logits, labels):
        options = {"num_classes": 10, "ignore_index": -100, "dtype": tc.float32}
        rows = one_hot_op(labels, dim=1, **options)
        losses = softmax_cross_entropy(logits, rows, dim=1)
        return ratio_of_sums(losses, rows), rows

    logits, labels = tc.randn(5, 10, backend=fused), tc.arange(5, backend=fused)
    assert "one_hot" in names(fused, step, logits, labels)


def test_a_wrong_label_in_a_captured_step_is_told_later(fused):
    step, logits = tc.capture(F.cross_entropy), tc.randn(2, 10, backend=fused)
    labels = tc.tensor([3, 4], backend=fused)
    for _ in range(3):
        step(logits, labels).item()
    loss = step(logits, labels + 6)
    with pytest.raises(LateError):
        loss.item()


# --- what becomes one launch


def updated(backend, optimizers, *parameters, more=lambda: None):
    """The names of the steps behind the gradients of a sum of squares."""

    def step():
        for optimizer in optimizers:
            optimizer.zero_grad()
        sum((p * p).sum() for p in parameters).backward()
        for optimizer in optimizers:
            optimizer.step()
        return more()

    found = names(backend, step)
    return found[found.index("gradients") + 1 :]


@pytest.fixture
def weights(fused):
    return [tc.ones(n, backend=fused, requires_grad=True) for n in (3, 2, 5)]


def test_updates_of_one_kind_are_one_step(fused, weights):
    assert updated(fused, [tc.optim.SGD(weights, lr=0.1)], *weights) == ["updates"]
    groups = [{"params": weights[:1]}, {"params": weights[1:], "weight_decay": 0.1}]
    assert updated(fused, [tc.optim.SGD(groups, lr=0.1)], *weights) == ["updates", "updates"]
    two = [tc.optim.SGD(weights[:1], lr=0.1), tc.optim.Adam(weights[1:], lr=0.1)]
    assert updated(fused, two, *weights) == ["updates", "updates"]


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_guarded_updates_are_one_step_and_skip_what_overflows(fused, make):
    """Under a gradient scaler: as eager steps, of which the third finds an infinite gradient."""

    def trained(wrap):
        parameters = [tc.ones(n, backend=fused, requires_grad=True) for n in (3, 2)]
        optimizer, scaler = make(parameters), tc.amp.GradScaler(init_scale=4.0)

        def step(x):
            optimizer.zero_grad()
            scaler.scale(sum((p * x).sum() for p in parameters)).backward()
            scaler.step(optimizer)
            scaler.update()

        step, values = wrap(step), []
        for number in (1.0, 2.0, np.inf, 3.0):
            step(tc.tensor(number, backend=fused))
            values += [*(p.numpy() for p in parameters), scaler.get_scale()]
        return values, step

    (found, captured), (expected, _) = trained(tc.capture), trained(lambda step: step)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert found[8] == found[5] / 2
    steps = [one.name for one in captured.plan.steps]
    assert steps.count("updates") == 1
    assert steps.count("assign") == 2  # the scaler's own state


def test_a_guard_for_half_of_an_update_is_none(fused, weights):
    """Where the velocity moves in any case, and the weights only under a guard."""
    from tinygrad_cnn.optim.sgd import momentum_descent

    w, v = (tc.ones(3, backend=fused) for _ in range(2))
    lr, momentum = (tc.tensor(number, dtype=tc.float64, backend=fused) for number in (0.1, 0.9))
    options = {"dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False}

    def step(g, guard):
        w_new, v_new = momentum_descent(w, g * 1, v, momentum, lr, **options)
        w.assign(tc.where(guard, w_new, w))
        v.assign(v_new)

    found = names(fused, step, tc.ones(3, backend=fused), tc.tensor(False, backend=fused))
    assert "updates" not in found
    np.testing.assert_array_equal(w.numpy(), np.ones(3))
    np.testing.assert_allclose(v.numpy(), np.full(3, 1.9), rtol=1e-6)


def test_a_parameter_that_is_moved_twice_is_not_updated_in_place(fused, weights):
    both = [tc.optim.SGD(weights, lr=0.1), tc.optim.SGD(weights[:1], lr=0.5)]
    found = updated(fused, both, *weights)
    assert found.count("gradient_descent") == 2
    assert found.count("updates") == 1


def test_weights_that_share_memory_are_not_updated_together(fused):
    whole = tc.ones(6, backend=fused)
    left, right = (tc.Tensor(whole.array[part], (4,), tc.float32, fused) for part in np.s_[:4, 2:])
    for half in (left, right):
        half.requires_grad_()
    found = updated(fused, [tc.optim.SGD([left, right], lr=0.1)], left, right)
    assert "updates" not in found


def test_an_update_whose_result_is_wanted_stays_as_it_is(fused, weights):
    from tinygrad_cnn.optim.sgd import gradient_descent

    lr = tc.tensor(0.1, dtype=tc.float64, backend=fused)

    def step(g):
        new = gradient_descent(weights[0].detach(), g * 1, lr, weight_decay=0.0, maximize=False)
        weights[0].assign(new)
        return new

    assert "updates" not in names(fused, step, tc.ones(3, backend=fused))


def test_running_statistics_that_are_read_in_the_step_are_updated_in_their_place(fused, images):
    with tc.use_backend(fused):
        norm = tc.nn.BatchNorm2d(2)
    assert names(fused, lambda x: norm(x), images)[-2:] == ["averages", "counters"]
    found = names(fused, lambda x: (norm(x), norm.running_mean * 2), images)
    assert found.count("averages") == 1  # the variance
    assert "assign" in found


def test_running_statistics_without_a_momentum_are_left_alone(fused, images):
    """The share of a new batch is 1/n, which is another number each time."""
    with tc.use_backend(fused):
        norm = tc.nn.BatchNorm2d(2, momentum=None)
    assert "averages" not in names(fused, lambda x: norm(x), images)


def test_few_kernels_are_started(fused, launched):
    """All weights, statistics and counters of the network in one launch each."""
    training = Training(fused, OPTIMIZERS["Adam"], tc.capture)
    training.run(1)
    launched.clear()
    training.run(1)
    assert [launched.count(name) for name in ("adam", "update_averages", "copy_arrays")] == [1, 1, 1]
    assert launched.count("count_up") == 2  # Adam's steps, and batches


# --- for people


def test_a_plan_in_words(fused):
    training = Training(fused, OPTIMIZERS["SGD"], tc.capture)
    training.run(1)
    plan = training.step.plan
    assert str(plan).splitlines()[1] == "graph   none yet: the next call records it"
    training.run(1)
    lines = str(plan).splitlines()
    assert lines[0] == f"{len(plan.program.calls)} operations in {len(plan.steps)} tasks"
    assert lines[1] == "graph   one CUDA graph"
    assert lines[2].startswith("memory  ")
    assert "KiB of the plan's own" in lines[2]
    assert "batch_norm + add + relu" in str(plan)
    assert len(plan.describe(full=True).splitlines()) > len(plan.steps)


def test_no_warning_means_a_graph(backend):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training = Training(backend, OPTIMIZERS["SGD"], tc.capture)
        training.run(3)
    assert training.step.plan.refusal is None
