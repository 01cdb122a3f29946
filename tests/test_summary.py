"""tc.summary: the numbers of known networks, without touching their weights."""

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError


def rows(result):
    return {row.path: row for row in result.rows}


def test_the_lectures_keras_model():
    network = nn.Sequential(
        nn.Conv2d(1, 10, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1690, 10)
    )
    result = tc.summary(network, (1, 1, 28, 28))
    found = rows(result)
    assert found["0"].outputs == ((1, 10, 26, 26),)
    assert found["2"].outputs == ((1, 10, 13, 13),)
    assert found["3"].outputs == ((1, 1690),)
    assert [found[path].parameters for path in ("0", "1", "2", "3", "4")] == [100, 0, 0, 0, 16_910]
    assert result.parameters == result.trainable == 17_010
    assert result.parameter_bytes == 17_010 * 4


def test_lenet_without_biases():
    network = nn.Sequential(
        nn.Conv2d(1, 6, 5, bias=False),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, bias=False),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120, bias=False),
        nn.Linear(120, 84, bias=False),
        nn.Linear(84, 10, bias=False),
    )
    result = tc.summary(network, (1, 1, 32, 32))
    assert result.parameters == 61_470
    assert rows(result)["5"].parameters == 48_000
    assert rows(result)["2"].outputs == ((1, 16, 10, 10),)


def test_a_layer_on_a_photograph():
    result = tc.summary(nn.Conv2d(3, 10, 3), (1, 3, 256, 256))
    assert rows(result)[""].outputs == ((1, 10, 254, 254),)
    assert result.parameters == 280
    assert result.multiply_adds == 254 * 254 * 10 * 27


def test_multiply_adds_are_those_of_the_paper():
    # AlexNet's first convolution (two groups ignored) and a depthwise one, by hand.
    assert tc.summary(nn.Conv2d(3, 96, 11, stride=4), (1, 3, 227, 227)).multiply_adds == 55 * 55 * 96 * 363
    assert tc.summary(nn.Conv2d(8, 8, 3, groups=8), (2, 8, 10, 10)).multiply_adds == 2 * 8 * 64 * 9


def test_frozen_parameters_are_not_trainable():
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    network[0].requires_grad_(False)
    result = tc.summary(network, (1, 3))
    assert (result.parameters, result.trainable) == (11, 3)


def test_shared_parameters_count_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)
            self.again = self.layer

        def forward(self, x):
            return self.again(self.layer(x))

    result = tc.summary(Twice(), (1, 3))
    assert result.parameters == 12
    assert result.multiply_adds == 2 * 9


def test_the_model_is_left_as_it_was():
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))
    seen = []
    network.register_forward_hook(lambda module, inputs, output: seen.append(output.numpy()))
    arrays = [(value, value.array, value.numpy().copy()) for value in network.state_dict().values()]
    tc.summary(network, (4, 3))
    assert seen == []
    assert network.training
    for value, array, numbers in arrays:
        assert value.array is array
        assert (value.numpy() == numbers).all()
    network(tc.ones(4, 3))
    assert len(seen) == 1


def test_a_model_on_meta_needs_no_memory():
    with tc.use_backend("meta"):
        network = nn.Sequential(nn.Linear(500_000, 500_000), nn.Linear(500_000, 10))
    result = tc.summary(network, (1, 500_000))
    assert result.parameters == 250_000_500_000 + 5_000_010
    assert "931.3 GiB" in str(result)


def test_a_tensor_that_nobody_registered_moves_along():
    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.shift = tc.ones(3)

        def forward(self, x):
            return x + self.shift

    assert rows(tc.summary(Shift(), (2, 3)))[""].outputs == ((2, 3),)


def test_depth_hides_and_still_counts():
    inner = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    network = nn.Sequential(inner, nn.Linear(2, 1))
    whole, folded = tc.summary(network, (1, 4)), tc.summary(network, (1, 4), depth=1)
    assert [row.path for row in folded.rows] == ["", "0", "1"]
    assert rows(folded)["0"].parameters == 23
    assert rows(folded)["0"].multiply_adds == 18
    assert folded.multiply_adds == whole.multiply_adds == 20
    with pytest.raises(ArgumentError, match="depth"):
        tc.summary(network, (1, 4), depth=-1)


def test_several_inputs_and_outputs():
    class Both(nn.Module):
        def forward(self, x, y):
            return {"sum": x + y, "rest": (x, [y])}

    result = tc.summary(Both(), [(2, 3), (1, 3)])
    assert result.rows[0].outputs == ((2, 3), (2, 3), (1, 3))


def test_what_is_never_called_says_so():
    class Lazy(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Linear(2, 2)

        def forward(self, x):
            return x

    assert "not called" in str(tc.summary(Lazy(), (1, 2)))


def test_float64_models_get_float64_inputs():
    result = tc.summary(nn.Linear(3, 2).to(tc.float64), (1, 3))
    assert result.inputs[0].dtype is tc.float64


def test_a_misfit_names_the_layer():
    network = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Sequential(nn.ReLU(), nn.Conv2d(7, 16, 5)))
    with pytest.raises(ShapeError, match=r"in:       Sequential/1/1"):
        tc.summary(network, (1, 1, 28, 28))


def test_a_summary_is_made_of_a_network():
    with pytest.raises(ArgumentTypeError, match="network"):
        tc.summary(lambda x: x, (1, 2))


def test_the_table_is_eighty_columns_wide():
    deep = nn.Linear(2, 2)
    for _ in range(30):
        deep = nn.Sequential(deep)
    for line in str(tc.summary(deep, (1, 2))).splitlines():
        assert len(line) <= 80


def test_lenet5_as_printed():
    result = str(tc.summary(tc.models.create("lenet5"), (1, 1, 28, 28)))
    assert "conv1 (Conv2d)" in result
    assert "61,706" in result
    assert "\u2500" * 80 in result
