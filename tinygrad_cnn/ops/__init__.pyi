"""The public operations, written from the registry by scripts/write_stubs.py."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, overload

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import Dims, DTypeLike, Shape

__all__ = [
    "abs",
    "add",
    "all",
    "amax",
    "amin",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "broadcast_to",
    "cat",
    "ceil",
    "chunk",
    "clamp",
    "clone",
    "cos",
    "div",
    "eq",
    "erf",
    "exp",
    "expand",
    "expm1",
    "eye",
    "flatten",
    "flip",
    "floor",
    "floor_divide",
    "full",
    "gather",
    "ge",
    "gt",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "leaky_relu",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsigmoid",
    "logsumexp",
    "lt",
    "manual_seed",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mul",
    "ne",
    "neg",
    "nonzero",
    "norm",
    "one_hot",
    "ones",
    "ones_like",
    "outer",
    "permute",
    "pow",
    "prod",
    "rand",
    "randn",
    "reciprocal",
    "relu",
    "remainder",
    "reshape",
    "round",
    "rsqrt",
    "scatter_add",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "sum",
    "take_along_dim",
    "tanh",
    "topk",
    "transpose",
    "trunc",
    "unbind",
    "unsqueeze",
    "var",
    "where",
    "zeros",
    "zeros_like",
]

class HostArray(Protocol):
    """A NumPy array, or whatever turns into one."""

    def __array__(self) -> Any: ...

Operand: TypeAlias = Tensor | HostArray | float | Sequence[Any]

def abs(x: Operand) -> Tensor:
    """The absolute value; its slope at 0 is taken as 0."""

def add(x: Operand, y: Operand) -> Tensor:
    """x + y."""

def all(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """True where every element over `dim` is non-zero."""

def amax(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest element over `dim`; ties share the gradient evenly, NaN wins over everything."""

def amin(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest element over `dim`; ties share the gradient evenly, NaN wins over everything."""

def any(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """True where some element over `dim` is non-zero."""

def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """start, start + step, ... up to but without end; from 0 when only one number is given."""

def argmax(x: Operand, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first largest element, along `dim` or in the flattened tensor."""

def argmin(x: Operand, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first smallest element, along `dim` or in the flattened tensor."""

def argsort(x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    """The indices that sort x along `dim`."""

def broadcast_to(x: Tensor, shape: Shape) -> Tensor:
    """x stretched to `shape` by NumPy's broadcasting rule."""

def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors joined along an existing dimension; all other sizes must agree."""

def ceil(x: Operand) -> Tensor:
    """The smallest integer ≥ x."""

def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """x cut along `dim` into at most `chunks` pieces of equal size (the last may be smaller)."""

def clamp(x: Operand, min: float | None = None, max: float | None = None) -> Tensor:
    """x held between min and max; the bounds themselves pass the gradient."""

def clone(x: Operand) -> Tensor:
    """A copy in memory of its own; gradients pass through."""

def cos(x: Operand) -> Tensor:
    """The cosine of x radians."""

def div(x: Operand, y: Operand) -> Tensor:
    """x / y, in floating point also for integers."""

def eq(x: Operand, y: Operand) -> Tensor:
    """x = y."""

def erf(x: Operand) -> Tensor:
    """The error function 2/√π ∫₀ˣ e^(−t²) dt."""

def exp(x: Operand) -> Tensor:
    """eˣ."""

def expand(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Dimensions of size 1 stretched to new sizes without copying; −1 keeps a size."""

def expm1(x: Operand) -> Tensor:
    """eˣ − 1, accurate near 0."""

def eye(
    n: int, m: int | None = None, *, dtype: DTypeLike = ..., backend: str | Backend | None = None
) -> Tensor:
    """The identity matrix, n × n (or n × m with ones on the diagonal)."""

def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim .. end_dim as one: (N, C, H, W) → (N, C·H·W) with start_dim=1."""

def flip(x: Operand, dims: Any) -> Tensor:
    """The order of elements reversed along each of `dims`."""

def floor(x: Operand) -> Tensor:
    """The largest integer ≤ x."""

def floor_divide(x: Operand, y: Operand) -> Tensor:
    """The largest integer ≤ x / y (a step function: it has no gradient)."""

def full(
    shape: Any,
    fill_value: float,
    *,
    dtype: DTypeLike = ...,
    requires_grad: bool = False,
    name: str | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor filled with one value."""

def gather(x: Operand, index: Operand, dim: int) -> Tensor:
    """out[i, j] = x[i, index[i, j]] along dim=1, and likewise for any dim."""

def ge(x: Operand, y: Operand) -> Tensor:
    """x ≥ y."""

def gt(x: Operand, y: Operand) -> Tensor:
    """x > y."""

def isfinite(x: Operand) -> Tensor:
    """True where x is neither infinite nor NaN."""

def isinf(x: Operand) -> Tensor:
    """True where x is plus or minus infinity."""

def isnan(x: Operand) -> Tensor:
    """True where x is not a number."""

def le(x: Operand, y: Operand) -> Tensor:
    """x ≤ y."""

def leaky_relu(x: Operand, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, negative_slope · x elsewhere."""

def log(x: Operand) -> Tensor:
    """The natural logarithm."""

def log10(x: Operand) -> Tensor:
    """The logarithm to base 10."""

def log1p(x: Operand) -> Tensor:
    """ln(1 + x), accurate near 0."""

def log2(x: Operand) -> Tensor:
    """The logarithm to base 2: entropies in bits."""

def log_softmax(x: Operand, dim: int) -> Tensor:
    """ln softmax(x) along `dim`, computed as x − logsumexp(x)."""

def logical_and(x: Operand, y: Operand) -> Tensor:
    """True where both are non-zero."""

def logical_not(x: Operand) -> Tensor:
    """True where x is zero."""

def logical_or(x: Operand, y: Operand) -> Tensor:
    """True where at least one is non-zero."""

def logical_xor(x: Operand, y: Operand) -> Tensor:
    """True where exactly one is non-zero."""

def logsigmoid(x: Tensor) -> Tensor:
    """ln σ(x) = −softplus(−x), without overflow."""

def logsumexp(x: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ over `dim`, shifted by the maximum so that nothing overflows; −∞ for all −∞."""

def lt(x: Operand, y: Operand) -> Tensor:
    """x < y."""

def manual_seed(seed: int) -> None:
    """Start all randomness of the library afresh from this seed."""

def matmul(x: Operand, y: Operand) -> Tensor:
    """The matrix product, also written x @ y: vectors, matrices, and stacks of matrices that broadcast."""

@overload
def max(x: Tensor, dim: Tensor | None = None, keepdim: bool = False) -> Tensor:
    """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

@overload
def max(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

def maximum(x: Operand, y: Operand) -> Tensor:
    """The larger of each pair; NaN if either is."""

def mean(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The arithmetic mean over `dim`; NaN for nothing."""

@overload
def min(x: Tensor, dim: Tensor | None = None, keepdim: bool = False) -> Tensor:
    """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

@overload
def min(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

def minimum(x: Operand, y: Operand) -> Tensor:
    """The smaller of each pair; NaN if either is."""

def mul(x: Operand, y: Operand) -> Tensor:
    """x · y."""

def ne(x: Operand, y: Operand) -> Tensor:
    """x ≠ y."""

def neg(x: Operand) -> Tensor:
    """−x."""

def nonzero(x: Tensor) -> tuple[Tensor, ...]:
    """The positions of the non-zero elements, one index tensor for each dimension."""

def norm(x: Tensor, p: float = 2.0, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The p-norm (Σ |x|ᵖ)^(1/p) over `dim`; p may be 1, 2, any positive number or ±infinity."""

def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """Labels as rows with a single 1: (*,) → (*, num_classes), int64."""

def ones(*shape: Any, **options: Any) -> Tensor:
    """A tensor of ones; options as for `full`."""

def ones_like(x: Tensor) -> Tensor:
    """Ones in the shape and dtype of x, on its backend."""

def outer(x: Tensor, y: Tensor) -> Tensor:
    """The table of all products of two vectors: out[i, j] = x[i] · y[j]."""

def permute(x: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order: `images.permute(0, 2, 3, 1)` turns NCHW into NHWC."""

def pow(x: Operand, y: Operand) -> Tensor:
    """x raised to the power y."""

def prod(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The product of all elements, or along one dimension; 1 for nothing."""

def rand(
    *shape: Any, dtype: DTypeLike = ..., requires_grad: bool = False, backend: str | Backend | None = None
) -> Tensor:
    """Numbers uniform in [0, 1), of the given shape."""

def randn(
    *shape: Any, dtype: DTypeLike = ..., requires_grad: bool = False, backend: str | Backend | None = None
) -> Tensor:
    """Numbers from the standard normal distribution, of the given shape."""

def reciprocal(x: Operand) -> Tensor:
    """1 / x."""

def relu(x: Operand) -> Tensor:
    """max(x, 0); its slope at 0 is taken as 0."""

def remainder(x: Operand, y: Operand) -> Tensor:
    """x − y · ⌊x / y⌋, with the sign of y."""

def reshape(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements, in the same order, under another shape; one size may be −1 ("what is left")."""

def round(x: Operand) -> Tensor:
    """The nearest integer, halves to the even one."""

def rsqrt(x: Operand) -> Tensor:
    """1 / √x."""

def scatter_add(x: Operand, index: Operand, src: Operand, dim: int) -> Tensor:
    """A copy of x with src added: out[i, index[i, j]] += src[i, j] along dim=1, likewise for any dim."""

def sigmoid(x: Operand) -> Tensor:
    """1 / (1 + e⁻ˣ), an S between 0 and 1."""

def sign(x: Operand) -> Tensor:
    """−1, 0 or 1."""

def sin(x: Operand) -> Tensor:
    """The sine of x radians."""

def softmax(x: Tensor, dim: int) -> Tensor:
    """Scores into probabilities along `dim`: eˣ / Σ eˣ, shifted by the maximum so that nothing overflows."""

def softplus(x: Operand) -> Tensor:
    """ln(1 + eˣ), a smooth ReLU."""

def sort(x: Operand, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    """The elements along `dim` in order, and where each came from; equal ones keep their order."""

def split(x: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """x cut along `dim` into pieces of `split_size` (the last may be smaller), or of the sizes listed."""

def sqrt(x: Operand) -> Tensor:
    """The square root; its slope at 0 is infinite."""

def square(x: Operand) -> Tensor:
    """x²."""

def squeeze(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1 (or only those named by `dim`)."""

def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension."""

def std(x: Operand, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """The standard deviation over `dim`, the root of `var`; its slope at 0 is taken as 0."""

def sub(x: Operand, y: Operand) -> Tensor:
    """x − y."""

def sum(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The sum over `dim` (an int, several, or None for all); 0 for nothing."""

def take_along_dim(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """NumPy's `take_along_axis`: like `gather`, broadcasting x and indices outside `dim`."""

def tanh(x: Operand) -> Tensor:
    """The hyperbolic tangent, an S between −1 and 1."""

def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest (or smallest) elements along `dim`, in order, and their indices."""

def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""

def trunc(x: Operand) -> Tensor:
    """The integer part, towards zero."""

def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Every slice along `dim`, without that dimension."""

def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at position `dim`."""

def var(x: Operand, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """The variance over `dim`: Σ (x − mean)² / (n − correction)."""

def where(condition: Operand, x: Operand, y: Operand) -> Tensor:
    """x where the condition holds, y elsewhere."""

def zeros(*shape: Any, **options: Any) -> Tensor:
    """A tensor of zeros; options as for `full`."""

def zeros_like(x: Tensor) -> Tensor:
    """Zeros in the shape and dtype of x, on its backend."""
