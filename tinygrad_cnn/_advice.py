"""What people type who come from PyTorch, and what to write here instead.

A name that does not exist says so, and where PyTorch has one, what does the same here. Some of them are
absent on purpose: tensors do not change in place, and there are no devices, only backends.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tinygrad_cnn.errors import MissingName

_BACKENDS = "tensors live on backends, not devices: leave .to(device) out, or choose tc.use_backend('cupy')"

# What PyTorch wants to be told first: the names of such arguments, and what is passed for them.
DEVICES = ("device", "device_type", "cuda", "cpu")

OF_TENSORS = {
    "data": "t.detach() is the value without its graph; t.assign(value) overwrites a leaf",
    "grad_fn": "t.node is what made it",
    "device": "t.backend says where it lives",
    "cuda": "t.to('cupy')",
    "cpu": "t.to('numpy')",
    "is_cuda": "t.backend.name",
    "clip": "t.clamp(min, max)",
    "concat": "tc.cat([...])",
    "astype": "t.to(dtype)",
    "copy": "t.clone()",
}

OF_MODULES = {
    "cuda": "module.to('cupy')",
    "cpu": "module.to('numpy')",
    "device": "next(module.parameters()).backend says where it lives",
    "compile": "there is nothing to compile",
}

OF_THE_PACKAGE = {
    "autocast": "tc.amp.autocast(tc.bfloat16)",
    "GradScaler": "tc.amp.GradScaler()",
    "device": _BACKENDS,
    "cuda": _BACKENDS,
    "backends": _BACKENDS,
    "autograd": "tc.grad, t.backward()",
    "utils": "tc.data.DataLoader, tc.nn.utils",
    "array": "tc.tensor(...)",
    "concat": "tc.cat([...])",
    "concatenate": "tc.cat([...])",
    "clip": "tc.clamp(t, min, max)",
    "compile": "there is nothing to compile",
}


def missing(name: str, owner: str, advice: dict[str, str], known: Iterable[str]) -> MissingName:
    """The error for a name that does not exist: what to write instead, or the nearest that does."""
    hint = advice.get(name)
    if hint is None and owner == "Tensor" and name.endswith("_"):
        plain = name.rstrip("_")
        hint = f"tensors do not change in place: t = t.{plain}(...), or t.assign(...) for a leaf"
    if hint is None:
        public = [other for other in known if not other.startswith("_")]
        nearest = difflib.get_close_matches(name, public, n=1, cutoff=0.7)
        hint = f"did you mean {nearest[0]!r}?" if nearest else None
    return MissingName(f"{owner} has no attribute {name!r}", hint=hint)
