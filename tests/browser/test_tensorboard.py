"""The real TensorBoard in a real browser: what was written is seen there.

TensorBoard runs as a program of its own, as it does for everybody, and is looked at in headless Chromium.
"""

import importlib.util
import json
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.train import TensorBoard

for package in ("tensorboardX", "tensorboard", "playwright"):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed", allow_module_level=True)

from event_files import read_values  # noqa: E402

SECONDS = 60  # that TensorBoard may take to start


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def trainer(logdir):
    """A short training run of LeNet-5; beside it the graph of its loss with the backward pass."""
    tc.manual_seed(0)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(64, 1, 28, 28)).astype(np.float32)
    points = tc.data.ArrayDataset(images, rng.integers(10, size=64))
    batches = tc.data.DataLoader(points, batch_size=8)
    model = tc.models.LeNet5()
    trainer = tc.Trainer(
        model,
        tc.optim.SGD(model.parameters(), lr=0.01, momentum=0.9),
        callbacks=[TensorBoard(logdir / "run", every=1)],
        progress=False,
    )
    trainer.fit(batches, batches, epochs=2)
    with tc.record():
        x, y = next(iter(batches))
        x.name, y.name = "images", "labels"
        loss = F.cross_entropy(model(x), y)
        loss.name = "loss"
    tc.Graph.of(loss).to_tensorboard(logdir / "loss", backward=True)
    return trainer


@pytest.fixture(scope="module")
def address(logdir, trainer):
    """Where TensorBoard shows the folder; it chooses a free port itself."""
    command = "from tensorboard.main import run_main; run_main()"
    options = ["--logdir", str(logdir), "--host", "127.0.0.1", "--port", "0", "--load_fast", "false"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    too_late = threading.Timer(SECONDS, process.kill)
    too_late.start()
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                break
        else:
            pytest.fail(f"TensorBoard does not start: {''.join(said)}")
        too_late.cancel()
        # Whatever else it says is read, so that it never waits for a reader.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield found[0]
    finally:
        too_late.cancel()
        process.terminate()
        process.wait(10)
        process.stderr.close()


@pytest.fixture
def page(browser):
    """A page of the browser; in the end, nothing outside of this machine must have been asked for."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(60_000)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    page.close()
    assert asked
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []


def drawn(page, name):
    """The shape of a node or scope in the graph."""
    return page.locator(f'g.node[data-name="{name}"] > .nodeshape').first


def names_in(page):
    return set(page.locator("g.node").evaluate_all("nodes => nodes.map(node => node.dataset.name)"))


def expand(page, name, inside):
    """Open a scope by a double click, until what is inside of it is drawn."""
    page.get_by_text("Fit to screen").click()  # after another one was opened, it may be far outside
    drawn(page, name).dblclick()
    drawn(page, inside).wait_for()


def details(page, name):
    """What the panel says of a node, after it was searched for and selected."""
    page.locator("tf-graph-node-search input").fill(f"^{name}$")
    page.locator("#search-match").click()
    panel = page.locator("tf-node-info")
    panel.locator(".attr-left").first.wait_for()
    keys, values = (panel.locator(f".attr-{side}").all_inner_texts() for side in ("left", "right"))
    return {key: json.loads(value) for key, value in zip(keys, values, strict=True)}


# --- graphs ---------------------------------------------------------------------------------------


def test_the_graph_shows_scopes_and_a_scope_expands(page, address):
    page.goto(f"{address}#graphs")
    drawn(page, "LeNet5").wait_for()
    operations = {"one_hot", "softmax_cross_entropy", "loss"}
    assert names_in(page) == {"images", "labels", "LeNet5", "gradients"} | operations
    expand(page, "LeNet5", "LeNet5/conv1")
    layers = {f"LeNet5/{layer}" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")}
    assert layers | {"LeNet5/relu", "LeNet5/relu_1", "LeNet5/max_pool", "LeNet5/reshape"} <= names_in(page)
    expand(page, "LeNet5/conv1", "LeNet5/conv1/conv")
    inside = {f"LeNet5/conv1/{name}" for name in ("conv", "weight", "bias", "reshape", "add")}
    assert inside <= names_in(page)


def test_a_selected_node_shows_its_details(page, address):
    page.goto(f"{address}#graphs")
    drawn(page, "gradients").wait_for()
    shown = details(page, "LeNet5/conv1/conv")
    assert shown["stride"] == {"list": {"i": [1, 1]}}
    assert shown["padding"] == {"s": "((2, 2), (2, 2))"}
    assert shown["T"] == {"type": "DT_FLOAT"}
    assert shown["saved_bytes"] == {"i": 8 * 28 * 28 * 4}
    assert "test_tensorboard.py:" in shown["line"]["s"]
    inputs = page.locator("#inputsList")
    assert inputs.get_by_text("images", exact=True).is_visible()
    assert inputs.get_by_text("6×1×5×5").is_visible()
    # And of a node of the backward pass.
    shown = details(page, "gradients/LeNet5/conv2/conv_weight_grad")
    assert shown["rule"] == {"placeholder": "∂L/∂w = x ⋆ g"}
    assert shown["gradient_of"] == {"s": "LeNet5/conv2/conv"}


# --- the training run -----------------------------------------------------------------------------


def test_scalars_are_plotted(page, address, logdir):
    page.goto(f"{address}#scalars&tagFilter=%5Eloss%24&_smoothingWeight=0")
    lines = page.locator("tf-scalar-card").first.locator("path.line[d]")
    lines.nth(1).wait_for(state="attached")
    paths = lines.evaluate_all("lines => lines.map(line => line.getAttribute('d'))")
    heights = {len(line): line for line in (re.findall(r"[\d.-]+,([\d.-]+)", text) for text in paths)}
    assert set(heights) == {16, 2}  # a point a step of training, and one an epoch of the test set
    losses = [value for _, value in read_values(logdir / "run" / "train")["loss"]]
    downwards = -np.array(heights[16], dtype=float)  # a page is measured from its top
    assert np.corrcoef(downwards, losses)[0, 1] > 0.9999


def test_the_numbers_beside_the_plot_are_those_of_the_history(page, address, trainer):
    page.goto(f"{address}#timeseries")
    page.locator("input[placeholder='Filter tags (regex)']").fill("^loss$")
    card = page.locator("scalar-card").filter(has_text="loss")
    row = card.locator("tb-data-table-content-row").filter(has_text="run/test")
    _, _, value, step, *_ = row.inner_text().split()  # the run, smoothed, as written, when
    assert float(value) == pytest.approx(trainer.history["test_loss"][-1], abs=1e-3)
    assert int(step) == 16


def test_histograms_and_images_are_drawn(page, address):
    page.goto(f"{address}#histograms")
    first = page.locator("vz-histogram-timeseries").first
    first.locator("path").first.wait_for()
    page.goto(f"{address}#images")
    for image, size in (("filters/conv1", [203, 134]), ("inputs", [260, 260])):
        loader = page.locator("tf-image-loader").filter(has_text=image)
        loader.locator("img").wait_for()
        assert loader.locator("img").evaluate("i => [i.naturalWidth, i.naturalHeight]") == size
