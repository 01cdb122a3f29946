"""Networks by name: shapes, parameters, names of weights, and that they learn."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import models
from tinygrad_cnn.errors import ShapeError, UnknownName


@pytest.mark.parametrize("name", models.names())
def test_every_network_by_name(name):
    with tc.use_backend("meta"):  # shapes only: a photograph takes its time
        model = models.create(name, num_classes=7)
        assert model(tc.zeros(2, *models.input_size(name))).shape == (2, 7)


def test_lenet_has_61706_parameters_in_ten_tensors():
    shapes = {name: value.shape for name, value in models.LeNet5().state_dict().items()}
    assert shapes == {
        "conv1.weight": (6, 1, 5, 5),
        "conv1.bias": (6,),
        "conv2.weight": (16, 6, 5, 5),
        "conv2.bias": (16,),
        "fc1.weight": (120, 400),
        "fc1.bias": (120,),
        "fc2.weight": (84, 120),
        "fc2.bias": (84,),
        "fc3.weight": (10, 84),
        "fc3.bias": (10,),
    }
    assert sum(p.numel() for p in models.LeNet5().parameters()) == 61_706


def test_lenet_takes_colours():
    assert models.LeNet5(in_channels=3)(tc.zeros(1, 3, 28, 28)).shape == (1, 10)


def test_lenet_names_the_size_it_reads():
    with pytest.raises(ShapeError, match="28 × 28"):
        models.LeNet5()(tc.zeros(1, 1, 32, 32))


def test_mlp_sizes():
    model = models.MLP([300, 100], num_classes=5, input_size=(3, 4, 4))
    assert [p.shape for p in model.parameters()] == [(300, 48), (300,), (100, 300), (100,), (5, 100), (5,)]


def test_a_typing_mistake_gets_the_nearest_name():
    with pytest.raises(UnknownName, match="no model named 'lenet'") as caught:
        models.create("lenet")
    assert "lenet5" in caught.value.hint
    with pytest.raises(UnknownName, match="no option of lenet5 named 'classes'"):
        models.create("lenet5", classes=3)


def test_lenet_learns_eight_images_by_heart_and_the_same_every_time():
    losses = []
    for _ in range(2):
        tc.manual_seed(0)
        model = models.LeNet5()
        images, labels = tc.randn(8, 1, 28, 28), tc.tensor([0, 1, 2, 3, 4, 5, 6, 7])
        optimizer = tc.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(25):
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] < 0.05
    assert losses[0] == losses[1]


def test_resnet_has_the_weights_of_torchvision():
    names = list(models.ResNet18().state_dict())
    assert names[:6] == [
        "conv1.weight",
        "bn1.weight",
        "bn1.bias",
        "bn1.running_mean",
        "bn1.running_var",
        "bn1.num_batches_tracked",
    ]
    assert "layer2.0.downsample.0.weight" in names
    assert "layer1.0.downsample.0.weight" not in names
    assert len(names) == 122
    assert names[-2:] == ["fc.weight", "fc.bias"]


def test_resnet_blocks_halve_the_image_and_pass_the_gradient_on():
    model = models.ResNet20()
    x = tc.randn(2, 3, 32, 32, requires_grad=True)
    first = model.layer2[0]
    assert first(tc.zeros(2, 16, 32, 32)).shape == (2, 32, 16, 16)
    model(x).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert x.grad.numpy().any()


def test_resnet_trains():
    tc.manual_seed(0)
    model = models.ResNet20(in_channels=1)
    images, labels = tc.randn(8, 1, 16, 16), tc.tensor([0, 1, 2, 3, 4, 5, 6, 7])
    optimizer = tc.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_small_cnn_learns_eight_images_and_drops_nothing_in_evaluation():
    tc.manual_seed(0)
    model = models.SmallCNN()
    assert [p.numel() for p in model.parameters()] == [288, 32, 32, 18_432, 64, 64, 401_408, 128, 1_280, 10]
    images, labels = tc.randn(8, 1, 28, 28), tc.tensor([0, 1, 2, 3, 4, 5, 6, 7])
    optimizer = tc.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(12):
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    assert (model(images).argmax(1).numpy() == labels.numpy()).mean() >= 0.75
    assert (model(images).numpy() == model(images).numpy()).all()
    assert models.SmallCNN(dropout=0.0, in_channels=3)(tc.zeros(1, 3, 28, 28)).shape == (1, 10)
    with pytest.raises(ShapeError, match="28 × 28"):
        model(tc.zeros(1, 1, 32, 32))


def test_small_vgg_halves_the_image_three_times():
    model = models.SmallVGG()
    sizes, x = [], tc.randn(2, 3, 32, 32)
    for layer in model.features:
        x = layer(x)
        if isinstance(layer, tc.nn.MaxPool2d):
            sizes.append(x.shape[1:])
    assert sizes == [(32, 16, 16), (64, 8, 8), (128, 4, 4)]
    assert [p.shape[:2] for p in model.parameters() if p.ndim == 4] == [
        *((32, 3), (32, 32), (64, 32), (64, 64), (128, 64), (128, 128)),
    ]
    assert sum(p.numel() for p in model.parameters()) == 307_946
    model(tc.randn(2, 3, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    with pytest.raises(ShapeError, match="32 × 32"):
        model(tc.zeros(1, 3, 28, 28))
