"""Dropout layers: their functions, switched by `train()` and `eval()`."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError

LAYERS = {
    nn.Dropout: (F.dropout, (4, 30)),
    nn.Dropout1d: (F.dropout1d, (4, 30, 2)),
    nn.Dropout2d: (F.dropout2d, (4, 30, 2, 2)),
    nn.Dropout3d: (F.dropout3d, (4, 30, 2, 2, 2)),
    nn.AlphaDropout: (F.alpha_dropout, (4, 30)),
    nn.FeatureAlphaDropout: (F.feature_alpha_dropout, (4, 30, 2)),
}
each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)


@each_layer
def test_it_is_its_function_while_training(layer):
    function, shape = LAYERS[layer]
    x, module = tc.ones(*shape), layer(0.4)
    tc.manual_seed(0)
    expected = function(x, 0.4, training=True)
    tc.manual_seed(0)
    out = module(x)
    np.testing.assert_array_equal(out.numpy(), expected.numpy())
    assert len(np.unique(out.numpy())) == 2
    assert module(x).tolist() != out.tolist()


@each_layer
def test_case_41_evaluation_is_the_identity(layer):
    x = tc.ones(*LAYERS[layer][1])
    network = nn.Sequential(layer())
    assert network.eval()(x) is x
    assert network.train()(x) is not x


@each_layer
def test_what_it_says_of_itself(layer):
    assert repr(layer()) == f"{layer.__name__}(p=0.5)"
    assert list(layer().state_dict()) == []


@pytest.mark.parametrize("p", [-0.1, 1.1, True, "half"])
@each_layer
def test_p_is_a_probability(layer, p):
    with pytest.raises(ArgumentError, match="probability"):
        layer(p)
