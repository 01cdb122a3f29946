"""tinygrad_cnn: an autograd engine to learn from, teach with, and train small CNNs.

    import tinygrad_cnn as tc

    a = tc.tensor(1.0, requires_grad=True)
    b = a + a
    c = b + b
    c.backward()
    a.grad                      # 4

What to reach for: tensors and their functions here; `tc.nn` layers, `tc.functional` the same as plain
functions, `tc.optim` optimizers, `tc.data` datasets and loaders, `tc.models` whole networks, `tc.Trainer`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_cnn import ops
from tinygrad_cnn._context import detect_anomaly, enable_grad, is_grad_enabled, name_scope, no_grad
from tinygrad_cnn._create import tensor
from tinygrad_cnn._node import Node
from tinygrad_cnn._op import op
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.autodiff import grad
from tinygrad_cnn.backend import backends, get_backend, set_num_threads, use_backend
from tinygrad_cnn.dtypes import (
    DType,
    Spec,
    bfloat16,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from tinygrad_cnn.dtypes import bool_ as bool
from tinygrad_cnn.dtypes import float16 as half
from tinygrad_cnn.dtypes import float32 as float
from tinygrad_cnn.dtypes import float64 as double
from tinygrad_cnn.dtypes import int32 as int
from tinygrad_cnn.dtypes import int64 as long
from tinygrad_cnn.ops import *  # noqa: F403

__version__ = "0.1.0"
__all__ = [
    "DType",
    "Graph",
    "Node",
    "Spec",
    "Tensor",
    "Trainer",
    "amp",
    "backends",
    "bfloat16",
    "bool",
    "capture",
    "data",
    "detect_anomaly",
    "double",
    "enable_grad",
    "float",
    "float16",
    "float32",
    "float64",
    "functional",
    "get_backend",
    "grad",
    "half",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "io",
    "is_grad_enabled",
    "learn",
    "load",
    "long",
    "metrics",
    "models",
    "name_scope",
    "nn",
    "no_grad",
    "op",
    "optim",
    "record",
    "save",
    "set_num_threads",
    "step",
    "summary",
    "tensor",
    "testing",
    "train",
    "uint8",
    "use_backend",
    "viz",
]
__all__ += ops.__all__

# The rooms above the engine are imported when first asked for: `import tinygrad_cnn` stays quick.
_ROOMS = (
    "amp",
    "data",
    "functional",
    "io",
    "learn",
    "metrics",
    "models",
    "nn",
    "optim",
    "testing",
    "train",
    "viz",
)
_NAMES = {
    "Graph": "viz",
    "Trainer": "train",
    "capture": "_capture",
    "load": "io",
    "record": "viz",
    "save": "io",
    "step": "viz",
    "summary": "_summary",
}

if TYPE_CHECKING:
    from tinygrad_cnn import amp, data, functional, io, learn, metrics, models, nn, optim, testing, train, viz
    from tinygrad_cnn._capture import capture
    from tinygrad_cnn._summary import summary
    from tinygrad_cnn.io import load, save
    from tinygrad_cnn.train import Trainer
    from tinygrad_cnn.viz import Graph, record, step


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"tinygrad_cnn.{name}")
    if name in _NAMES:
        return getattr(import_module(f"tinygrad_cnn.{_NAMES[name]}"), name)
    advice = import_module("tinygrad_cnn._advice")  # not needed before somebody mistypes
    raise advice.missing(name, "tinygrad_cnn", advice.OF_THE_PACKAGE, __dir__())


def __dir__() -> list[str]:
    hidden = {"Any", "TYPE_CHECKING", "import_module"}
    return sorted({*globals(), *_ROOMS, *_NAMES} - hidden)
