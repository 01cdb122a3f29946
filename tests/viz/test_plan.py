"""A captured step's plan, to read and to look at: data of the plan, words and pictures of the data."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn._plan_data import in_use, phases, without_task
from tinygrad_cnn._plan_text import MOST_LINES
from tinygrad_cnn._program import Kind, Value
from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn_backends.numpy.kernels import threads
from tinygrad_cnn_backends.numpy.kernels.memory import CACHE_LINE
from tinygrad_cnn_backends.numpy.plan.cells import Cell, Pool

MODELS = {
    "MLP": (tc.models.MLP, (1, 28, 28)),
    "LeNet5": (tc.models.LeNet5, (1, 28, 28)),
    "SmallCNN": (tc.models.SmallCNN, (1, 28, 28)),
    "ResNet20": (tc.models.ResNet20, (3, 32, 32)),
}
PLANS = [("MLP", 1), ("LeNet5", 1), ("LeNet5", 2), ("SmallCNN", 2), ("ResNet20", 2)]
BATCH = 16

needs_graphviz = pytest.mark.skipif(tc.viz.renderer() is None, reason="Graphviz is not installed")


@cache
def captured(name, count, **options):
    """The plan of a training step in so many threads."""
    make, shape = MODELS[name]
    before = threads.get_num_threads()
    threads.set_num_threads(count)
    try:
        with tc.use_backend("numpy", **options):
            tc.manual_seed(0)
            model = make()
            optimizer = tc.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

            @tc.capture
            def step(x, y):
                optimizer.zero_grad()
                loss = tc.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                return loss

            step(tc.zeros(BATCH, *shape), tc.tensor(np.arange(BATCH) % 10))
    finally:
        threads.set_num_threads(before)
    return step.plan


@pytest.fixture(scope="module", params=PLANS, ids=str)
def plan(request):
    return captured(*request.param)


@pytest.fixture(scope="module")
def lenet():
    return captured("LeNet5", 2)


# --- memory ---------------------------------------------------------------------------------------


def meet(one, other):
    """Whether two cells are needed at the same time."""
    return one["first"] <= other["last"] and other["first"] <= one["last"]


def overlap(one, other):
    """Whether two cells have a byte in common."""
    return one["offset"] < other["offset"] + other["bytes"] and other["offset"] < one["offset"] + one["bytes"]


lifetimes = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 700))


@given(st.lists(lifetimes, max_size=30))
def test_packed_cells_share_no_byte_at_the_same_time(lives):
    cells = []
    for number, (a, b, size) in enumerate(lives):
        value = Value(number, Kind.RESULT, (size,), tc.uint8)
        first, last = sorted((a, b))
        cells.append(Cell(value, None, (size,), np.dtype("uint8"), (0,), first=first, last=last))
    pool = Pool(cells)
    pool.pack()
    for one, other in combinations(cells, 2):
        if one.first <= other.last and other.first <= one.last:
            apart = one.offset + one.nbytes <= other.offset or other.offset + other.nbytes <= one.offset
            assert apart or not one.nbytes or not other.nbytes
    assert all(cell.offset % CACHE_LINE == 0 for cell in cells)
    assert pool.nbytes == max((cell.offset + cell.nbytes for cell in cells), default=0)
    rounded = sum(-(-cell.nbytes // CACHE_LINE) * CACHE_LINE for cell in cells)
    busiest = max((sum(c.nbytes for c in cells if c.first <= t <= c.last) for t in range(31)), default=0)
    assert busiest <= pool.nbytes <= rounded


def test_no_two_values_lie_on_each_other(plan):
    for pool in plan.data()["pools"]:
        for one, other in combinations(pool["cells"], 2):
            assert not (meet(one, other) and overlap(one, other)), (one, other)


def test_sizes_add_up(plan):
    data = plan.data()
    assert sum(pool["bytes"] for pool in data["pools"]) + sum(data["scratch"]) == plan.nbytes
    for pool in data["pools"]:
        cells = pool["cells"]
        assert sum(cell["bytes"] for cell in cells) == pool["bytes_unshared"]
        assert all(cell["offset"] + cell["bytes"] <= pool["bytes"] for cell in cells)
        for cell in cells:
            assert np.prod(cell["shape"]) * np.dtype(cell["dtype"]).itemsize == cell["bytes"]


def test_the_cells_are_where_the_plan_computes(lenet):
    """The arrays of the plan really lie at the offsets that the data names."""
    for pool, shown in zip(
        [lenet.pools[0], lenet.pools[1], lenet.pools[None]], lenet.data()["pools"], strict=True
    ):
        start = pool.memory.ctypes.data
        offsets = [cell.array.ctypes.data - start for cell in pool.cells]
        assert offsets == [cell["offset"] for cell in shown["cells"]]


def test_what_is_in_use_at_a_time(plan):
    data = plan.data()
    for pool in data["pools"]:
        used = in_use(pool, len(data["tasks"]))
        assert len(used) == len(data["tasks"]) + 2
        for task in range(-1, len(data["tasks"]) + 1):
            alive = [cell["bytes"] for cell in pool["cells"] if cell["first"] <= task <= cell["last"]]
            assert used[task + 1] == sum(alive)
        assert max(used) <= pool["bytes"]


# --- what is said of tasks and values -------------------------------------------------------------


def test_every_operation_is_somewhere(plan):
    data = plan.data()
    assert data["operations"] == [call.op.name for call in plan.program.calls]
    idle = set(without_task(data))
    assert idle <= {"alias", "assign", "expand", "permute", "reshape", "slice_view"}


def test_who_does_what_and_why(lenet):
    data = lenet.data()
    assert data["parts"] == [[0, 8], [8, 16]]
    by_operation = {}
    for task in data["tasks"]:
        for call in task["calls"]:
            by_operation.setdefault(data["operations"][call], []).append(task)
    for name, each, phase in (
        ("conv", True, "forward"),
        ("softmax_cross_entropy", True, "forward"),
        ("conv_weight_grad", True, "backward"),
        ("max_pool_scatter", True, "backward"),
        ("momentum_descent", False, "update"),
    ):
        found = {(task["each"], task["phase"]) for task in by_operation[name]}
        assert found == {(each, phase)}, name
    conv = by_operation["conv"][0]
    assert conv["scope"] == "LeNet5/conv1"
    assert conv["writes"][0]["shape"] == [8, 6, 28, 28]
    assert [task["scope"] for task in by_operation["conv_weight_grad"]] == ["LeNet5/conv2", "LeNet5/conv1"]
    updated = [task["writes"][0]["value"] for task in by_operation["momentum_descent"]]
    assert {"conv1.weight", "conv1.bias", "fc3.weight"} <= set(updated)


def test_kinds_of_values(lenet):
    kinds = {}
    for pool in lenet.data()["pools"]:
        for cell in pool["cells"]:
            kinds.setdefault(cell["kind"], []).append(cell)
    # Images and labels of each part, and all labels put together, so that a wrong one is named by its place.
    shapes = [tuple(cell["shape"]) for cell in kinds["argument"]]
    assert set(shapes) == {(8, 1, 28, 28), (8,), (16,)}
    assert all((cell["first"] == -1) is (cell["shape"] != [16]) for cell in kinds["argument"])
    assert [cell["shape"] for cell in kinds["result"]] == [[]]
    tasks = lenet.data()["tasks"]
    for cell in kinds["saved"]:
        assert tasks[cell["first"]]["phase"] == "forward"
        assert any(task["phase"] == "backward" for task in tasks[cell["first"] : cell["last"] + 1])
    assert all(tasks[cell["first"]]["phase"] == "backward" for cell in kinds["gradient"])
    kept = [cell for cell in kinds["gradient"] if cell["last"] == len(tasks)]
    assert {tuple(cell["shape"]) for cell in kept} >= {(16, 6, 5, 5), (6, 1, 5, 5)}


def test_a_result_made_of_gradients_makes_no_backward_pass_forward():
    w = tc.tensor([1.0, 2.0], requires_grad=True, name="w")

    @tc.capture
    def step(x):
        w.grad = None
        loss = (w * x).exp().sum()
        loss.backward()
        return loss, (w.grad * w.grad).sum()

    step(tc.ones(2))
    program = step.plan.program
    told = [(call.op.name, phase) for call, phase in zip(program.calls, phases(program), strict=True)]
    assert told[:3] == [("mul", "forward"), ("exp", "forward"), ("sum", "forward")]
    assert told[-3:] == [("mul", "backward"), ("mul", "update"), ("sum", "update")]


def test_json(plan):
    data = plan.data()
    assert json.loads(json.dumps(data)) == data


# --- words ----------------------------------------------------------------------------------------


def test_the_text_fits_on_a_page(plan):
    lines = str(plan).splitlines()
    assert len(lines) <= MOST_LINES + 16
    assert max(map(len, lines)) <= 105
    assert str(plan) == plan.describe()
    assert repr(plan) == f"<NumpyPlan of {len(plan.program.calls)} operations>"


def test_the_text_names_every_operation(plan):
    text = plan.describe(full=True)
    for name in Counter(plan.data()["operations"]):
        assert re.search(rf"\b{name}\b", text), name


def test_the_full_text_has_a_line_for_every_task(plan):
    table = plan.describe(full=True).partition("\n\n")[2]
    numbers = re.findall(r"^(?:each|once)? *(\d+)(?:  |$)", table, flags=re.MULTILINE)
    tasks = plan.data()["tasks"]
    assert [int(number) for number in numbers] == list(range(len(tasks)))


def test_a_folded_text_leaves_no_task_out():
    table = str(captured("ResNet20", 2)).partition("\n\n")[2]
    covered = []
    for first, last in re.findall(r"^(?:each|once|both|    ) *(\d+)(?:–(\d+))? ", table, flags=re.MULTILINE):
        covered += range(int(first), int(last or first) + 1)
    assert covered == list(range(len(covered)))
    assert len(covered) == len(captured("ResNet20", 2).tasks)


def test_the_text_tells_whose_memory_is_used_again(lenet):
    data = lenet.data()
    row = next(line for line in str(lenet).splitlines() if "%14 (8, 16, 10, 10)" in line or "conv2" in line)
    taken = row.split()[-1]
    cells = {cell["value"]: cell for cell in data["pools"][0]["cells"]}
    task = next(task for task in data["tasks"] if task["scope"] == "LeNet5/conv2")
    own = cells[task["writes"][0]["value"]]
    assert overlap(cells[taken], own)
    assert cells[taken]["last"] < own["first"]


def test_a_plan_without_memory_of_its_own():
    plan = captured("LeNet5", 1, overrides=False)
    data = plan.data()
    assert [task["title"] for task in data["tasks"]] == data["operations"]
    assert (data["pools"], data["scratch"], data["parts"]) == ([], [], [])
    assert "memory" not in str(plan)
    assert "LeNet5" not in str(plan).splitlines()[0]
    with pytest.raises(ArgumentError, match="fresh memory"):
        plan.draw()


def test_an_empty_plan():
    step = tc.capture(lambda x: x)
    step(tc.ones(3))
    assert str(step.plan).startswith("0 operations in 0 tasks")
    assert step.plan.draw().to_dot().startswith("digraph {")


# --- pictures -------------------------------------------------------------------------------------


@needs_graphviz
def test_the_picture_shows_every_value_that_can_be_seen(plan):
    for pool, theme in zip(plan.data()["pools"], ("light", "dark", "light"), strict=False):
        text = plan.draw(pool["part"], theme=theme).to_svg()
        large = [cell for cell in pool["cells"] if cell["bytes"] * 360 >= 0.5 * pool["bytes"]]
        ElementTree.fromstring(text)
        assert text.count("needed until task") >= len(large)
        assert f"hold {len(pool['cells'])} values" in text.replace("&#160;", " ")


@needs_graphviz
def test_rectangles_are_where_the_values_are(lenet):
    """The first convolution's result and the memory it lies in, measured in the picture."""
    drawing = lenet.draw()
    cell = max(drawing.pool["cells"], key=lambda cell: cell["bytes"])
    text = next(line for line in drawing.to_dot().splitlines() if f"{cell['value']} (" in line)
    width, height = (float(re.search(rf'{name}="([^"]+)"', text)[1]) * 72 for name in ("width", "height"))
    x, y = map(float, re.search(r'pos="([^,]+),([^"]+)"', text).groups())
    pixel = 360 / drawing.pool["bytes"]
    assert height == pytest.approx(cell["bytes"] * pixel, abs=0.02)
    assert y - height / 2 == pytest.approx(cell["offset"] * pixel, abs=0.02)
    column = width / (cell["last"] - cell["first"] + 1)
    assert x - width / 2 == pytest.approx((cell["first"] + 1) * column, abs=0.05)


@needs_graphviz
@pytest.mark.parametrize("format", ["svg", "png", "pdf", "dot"])
def test_every_format(lenet, tmp_path, format):
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
    path = lenet.draw().render(tmp_path / f"memory.{format}")
    assert path.read_bytes().startswith(starts[format])


@needs_graphviz
def test_two_pictures_on_a_page_share_no_id(lenet):
    drawing = lenet.draw()
    ids = [set(re.findall(r'id="([^"]+)"', drawing._repr_svg_())) for _ in range(2)]
    assert not ids[0] & ids[1]


def test_mistakes(lenet, tmp_path):
    with pytest.raises(ArgumentError, match="no such part") as error:
        lenet.draw(part=7)
    assert "0, 1, None" in str(error.value)
    with pytest.raises(UnknownName):
        lenet.draw(theme="drak")
    with pytest.raises(ArgumentError, match="extension"):
        lenet.draw().render(tmp_path / "memory.gif")
