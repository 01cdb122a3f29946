"""How float32 is multiplied; the products here remember it."""

from types import SimpleNamespace

_routines_linalg = SimpleNamespace(COMPUTE_TYPE_DEFAULT=1, COMPUTE_TYPE_TF32=7)
_compute_type = _routines_linalg.COMPUTE_TYPE_DEFAULT
compute_types_set = []


def get_compute_type(dtype):
    return _compute_type


def set_compute_type(dtype, compute_type):
    global _compute_type
    _compute_type = compute_type
    compute_types_set.append(compute_type)
