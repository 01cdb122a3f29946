"""Files that carry tensors from one run to the next.

    tc.save("lenet5.safetensors", model)                          # or a state dict
    model.load_state_dict(tc.load("lenet5.safetensors"))

- `weights.py`: `save` and `load`, tensors by name, in the safetensors format
- `state.py`: `save_state` and `load_state`, the whole state of a training run: nested dictionaries and lists
  of tensors, numbers and words

Every file appears under its name only when it is complete.
"""

from tinygrad_cnn.io.state import load_state, save_state
from tinygrad_cnn.io.weights import load, save

__all__ = ["load", "load_state", "save", "save_state"]
