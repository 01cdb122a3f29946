"""Write the stubs that show operations to editors and type checkers.

Operations are attached to Tensor and to `tinygrad_cnn.ops` when the package is imported, so a type checker
does not see them in the source. This script reads the same registry and writes

    tinygrad_cnn/_methods.pyi         the methods and operators of Tensor
    tinygrad_cnn/ops/__init__.pyi     the public functions

Run it after adding an operation (`python scripts/write_stubs.py`); a test fails while they are not current.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_overloads

from tinygrad_cnn._op import FUNCTIONS, METHODS, Op
from tinygrad_cnn._tensor import Tensor

PACKAGE = Path(__file__).parent.parent / "tinygrad_cnn"

# Where the names that annotations are written with come from.
SOURCES = {
    "Sequence": "collections.abc",
    "Any": "typing",
    "Literal": "typing",
    "Protocol": "typing",
    "TypeAlias": "typing",
    "overload": "typing",
    "Tensor": "tinygrad_cnn._tensor",
    "Backend": "tinygrad_cnn.backend",
    "DType": "tinygrad_cnn.dtypes",
    "DTypeLike": "tinygrad_cnn.dtypes",
    "Dims": "tinygrad_cnn.dtypes",
    "Shape": "tinygrad_cnn.dtypes",
    "ValuesAndIndices": "tinygrad_cnn.ops._results",
}
OPERAND = '''
class HostArray(Protocol):
    """A NumPy array, or whatever turns into one."""

    def __array__(self) -> Any: ...

Operand: TypeAlias = Tensor | HostArray | float | Sequence[Any]
'''


def stub_of_methods() -> str:
    """`TensorMethods` with every method, property and operator that operations attach."""
    parts = ['class TensorMethods:\n    """What operations add to Tensor."""\n']
    for name, value in sorted(vars(Tensor).items()):
        if isinstance(value, property) and value.fget and value.fget.__module__ != Tensor.__module__:
            parts.append(f"@property\ndef {name}(self) -> Tensor:\n{_docstring(value.fget)}")
        elif getattr(value, "__qualname__", "").startswith("attach_operator."):
            parts.append(_operator(name, value))
    parts += [_function(METHODS[name], method=True) for name in sorted(METHODS)]
    body = "\n".join(parts[:1] + [_indented(part) for part in parts[1:]])
    return _file("The methods of Tensor", body, imports_operand=True)


def stub_of_functions() -> str:
    """Every public function of `tinygrad_cnn.ops`."""
    names = sorted(FUNCTIONS)
    exported = "".join(f"    {name!r},\n" for name in names).replace("'", '"')
    functions = "\n".join(_function(FUNCTIONS[name], method=False) for name in names)
    body = f"__all__ = [\n{exported}]\n{OPERAND}\n{functions}"
    return _file("The public operations", body)


def _file(title: str, body: str, *, imports_operand: bool = False) -> str:
    words = set(re.findall(r"\w+", re.sub(r'""".*?"""', "", body, flags=re.DOTALL)))
    sources = SOURCES | ({"Operand": "tinygrad_cnn.ops"} if imports_operand else {})
    lines = ["import builtins"] if "builtins" in words else []
    for module in sorted(set(sources.values()), key=lambda module: (module.startswith("tinygrad"), module)):
        found = sorted(name for name, source in sources.items() if source == module and name in words)
        if found:
            lines.append(f"from {module} import {', '.join(found)}")
    imports = "\n".join(lines).replace("\nfrom tinygrad", "\n\nfrom tinygrad", 1)
    return f'"""{title}, written from the registry by scripts/write_stubs.py."""\n\n{imports}\n\n{body}'


def _function(function: Callable[..., Any], *, method: bool) -> str:
    versions = [] if isinstance(function, Op) else get_overloads(function)
    marked = "@overload\n" if versions else ""
    return "".join(marked + _one(version, function, method=method) for version in versions or [function])


def _one(version: Callable[..., Any], function: Callable[..., Any], *, method: bool) -> str:
    parameters = list(inspect.signature(version).parameters.values())
    shown = [_parameter(parameter, version) for parameter in parameters]
    result = _result(version)
    if method:
        shown[0] = "self"
        shown[1:], result = map(_not_a_method, shown[1:]), _not_a_method(result)
    for position, parameter in enumerate(parameters):
        if parameter.kind is parameter.KEYWORD_ONLY:
            if not any(p.kind is p.VAR_POSITIONAL for p in parameters):
                shown.insert(position, "*")
            break
    name = function.__name__
    return f"def {name}({', '.join(shown)}) -> {result}:\n{_docstring(function)}"


def _not_a_method(text: str) -> str:
    """Inside the class, `float` is the method of that name; the type is written `builtins.float`."""
    return re.sub(r"(?<!\.)\b(bool|float|int)\b", r"builtins.\1", text)


def _parameter(parameter: inspect.Parameter, function: Callable[..., Any]) -> str:
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
    default = "" if parameter.default is parameter.empty else f" = {_shown_default(parameter.default)}"
    return f"{stars}{parameter.name}: {_annotation(parameter, function)}{default}"


def _annotation(parameter: inspect.Parameter, function: Callable[..., Any]) -> str:
    """As declared; a parameter of an operation is described by its kernel or its `infer`."""
    if isinstance(function, Op):
        if parameter.name in function.input_names:
            return "Operand"
        for described in (function.kernel, function.infer):
            declared = inspect.signature(described).parameters.get(parameter.name)
            if declared is not None and declared.annotation is not declared.empty:
                return _text(declared.annotation)
        known = parameter.default is not parameter.empty and parameter.default is not None
        return type(parameter.default).__name__ if known else "Any"
    return "Any" if parameter.annotation is parameter.empty else _text(parameter.annotation)


def _result(function: Callable[..., Any]) -> str:
    if isinstance(function, Op):
        return "Tensor" if function.public == 1 else f"tuple[{', '.join(['Tensor'] * function.public)}]"
    return _text(inspect.signature(function).return_annotation)


def _text(annotation: Any) -> str:
    """An annotation as it was written (the package postpones their evaluation, so they are strings)."""
    if annotation is None:
        return "None"
    return annotation if isinstance(annotation, str) else str(annotation.__name__)


def _shown_default(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, (bool, int, float, str, tuple)) else "..."


def _operator(name: str, function: Callable[..., Any]) -> str:
    unary = name in ("__neg__", "__abs__", "__invert__")
    other = "" if unary else ", other: Operand"
    overrides = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
    return f"def {name}(self{other}) -> Tensor: ...{overrides}\n"


def _docstring(function: Callable[..., Any]) -> str:
    sentence = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
    return f'    """{sentence}"""\n' if sentence else "    ...\n"


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def stubs() -> Iterable[tuple[Path, str]]:
    """Every stub file and what belongs into it."""
    for path, text in (
        (PACKAGE / "_methods.pyi", stub_of_methods()),
        (PACKAGE / "ops" / "__init__.pyi", stub_of_functions()),
    ):
        yield path, _tidied(path, text)


def _tidied(path: Path, text: str) -> str:
    """The text as `ruff` sorts and formats it."""
    for command in (["check", "--fix-only", "--quiet"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


if __name__ == "__main__":
    for path, text in stubs():
        path.write_text(text, encoding="utf-8")
        print(path)
