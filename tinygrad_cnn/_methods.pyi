"""The methods of Tensor, written from the registry by scripts/write_stubs.py."""

from collections.abc import Sequence
from typing import Any, overload

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import Dims, DTypeLike
from tinygrad_cnn.ops import Operand

class TensorMethods:
    """What operations add to Tensor."""

    @property
    def T(self) -> Tensor:
        """The matrix transposed (all dimensions reversed)."""

    def __abs__(self) -> Tensor: ...
    def __add__(self, other: Operand) -> Tensor: ...
    def __and__(self, other: Operand) -> Tensor: ...
    def __eq__(self, other: Operand) -> Tensor: ...  # type: ignore[override]
    def __floordiv__(self, other: Operand) -> Tensor: ...
    def __ge__(self, other: Operand) -> Tensor: ...
    def __gt__(self, other: Operand) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __le__(self, other: Operand) -> Tensor: ...
    def __lt__(self, other: Operand) -> Tensor: ...
    def __matmul__(self, other: Operand) -> Tensor: ...
    def __mod__(self, other: Operand) -> Tensor: ...
    def __mul__(self, other: Operand) -> Tensor: ...
    def __ne__(self, other: Operand) -> Tensor: ...  # type: ignore[override]
    def __neg__(self) -> Tensor: ...
    def __or__(self, other: Operand) -> Tensor: ...
    def __pow__(self, other: Operand) -> Tensor: ...
    def __radd__(self, other: Operand) -> Tensor: ...
    def __rand__(self, other: Operand) -> Tensor: ...
    def __rfloordiv__(self, other: Operand) -> Tensor: ...
    def __rmatmul__(self, other: Operand) -> Tensor: ...
    def __rmod__(self, other: Operand) -> Tensor: ...
    def __rmul__(self, other: Operand) -> Tensor: ...
    def __ror__(self, other: Operand) -> Tensor: ...
    def __rpow__(self, other: Operand) -> Tensor: ...
    def __rsub__(self, other: Operand) -> Tensor: ...
    def __rtruediv__(self, other: Operand) -> Tensor: ...
    def __rxor__(self, other: Operand) -> Tensor: ...
    def __sub__(self, other: Operand) -> Tensor: ...
    def __truediv__(self, other: Operand) -> Tensor: ...
    def __xor__(self, other: Operand) -> Tensor: ...
    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged: a stack of transposed matrices."""

    def __getitem__(self, key: Any) -> Tensor:
        """Index as in NumPy: ints, slices, None, `...`, integer arrays and masks."""

    def abs(self) -> Tensor:
        """The absolute value; its slope at 0 is taken as 0."""

    def add(self, y: Operand) -> Tensor:
        """x + y."""

    def all(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """True where every element over `dim` is non-zero."""

    def amax(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """The largest element over `dim`; ties share the gradient evenly, NaN wins over everything."""

    def amin(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """The smallest element over `dim`; ties share the gradient evenly, NaN wins over everything."""

    def any(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """True where some element over `dim` is non-zero."""

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index of the first largest element, along `dim` or in the flattened tensor."""

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index of the first smallest element, along `dim` or in the flattened tensor."""

    def argsort(self, dim: int = -1, descending: bool = False) -> Tensor:
        """The indices that sort x along `dim`."""

    def assign(self, value: Any) -> Tensor:
        """Overwrite the memory of a leaf (and of everything that shares it); returns the leaf."""

    def backward(self, gradient: Tensor | None = None, *, retain_graph: bool = False) -> None:
        """Walk backward from this tensor and add the gradients to `.grad` of the leaves."""

    def ceil(self) -> Tensor:
        """The smallest integer ≥ x."""

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """x cut along `dim` into at most `chunks` pieces of equal size (the last may be smaller)."""

    def clamp(self, min: float | None = None, max: float | None = None) -> Tensor:
        """x held between min and max; the bounds themselves pass the gradient."""

    def clone(self) -> Tensor:
        """A copy in memory of its own; gradients pass through."""

    def cos(self) -> Tensor:
        """The cosine of x radians."""

    def div(self, y: Operand) -> Tensor:
        """x / y, in floating point also for integers."""

    def eq(self, y: Operand) -> Tensor:
        """x = y."""

    def erf(self) -> Tensor:
        """The error function 2/√π ∫₀ˣ e^(−t²) dt."""

    def exp(self) -> Tensor:
        """eˣ."""

    def expand(self, *sizes: Any, shape: Any = None) -> Tensor:
        """Dimensions of size 1 stretched to new sizes without copying; −1 keeps a size."""

    def expm1(self) -> Tensor:
        """eˣ − 1, accurate near 0."""

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Dimensions start_dim .. end_dim as one: (N, C, H, W) → (N, C·H·W) with start_dim=1."""

    def flip(self, dims: Any) -> Tensor:
        """The order of elements reversed along each of `dims`."""

    def floor(self) -> Tensor:
        """The largest integer ≤ x."""

    def floor_divide(self, y: Operand) -> Tensor:
        """The largest integer ≤ x / y (a step function: it has no gradient)."""

    def gather(self, index: Operand, dim: int) -> Tensor:
        """out[i, j] = x[i, index[i, j]] along dim=1, and likewise for any dim."""

    def ge(self, y: Operand) -> Tensor:
        """x ≥ y."""

    def gt(self, y: Operand) -> Tensor:
        """x > y."""

    def isfinite(self) -> Tensor:
        """True where x is neither infinite nor NaN."""

    def isinf(self) -> Tensor:
        """True where x is plus or minus infinity."""

    def isnan(self) -> Tensor:
        """True where x is not a number."""

    def le(self, y: Operand) -> Tensor:
        """x ≤ y."""

    def log(self) -> Tensor:
        """The natural logarithm."""

    def log10(self) -> Tensor:
        """The logarithm to base 10."""

    def log1p(self) -> Tensor:
        """ln(1 + x), accurate near 0."""

    def log2(self) -> Tensor:
        """The logarithm to base 2: entropies in bits."""

    def log_softmax(self, dim: int) -> Tensor:
        """ln softmax(x) along `dim`, computed as x − logsumexp(x)."""

    def logical_and(self, y: Operand) -> Tensor:
        """True where both are non-zero."""

    def logical_not(self) -> Tensor:
        """True where x is zero."""

    def logical_or(self, y: Operand) -> Tensor:
        """True where at least one is non-zero."""

    def logical_xor(self, y: Operand) -> Tensor:
        """True where exactly one is non-zero."""

    def logsumexp(self, dim: Dims, keepdim: bool = False) -> Tensor:
        """ln Σ eˣ over `dim`, shifted by the maximum so that nothing overflows; −∞ for all −∞."""

    def lt(self, y: Operand) -> Tensor:
        """x < y."""

    def matmul(self, y: Operand) -> Tensor:
        """The matrix product, also written x @ y: vectors, matrices, and stacks of matrices that broadcast."""

    @overload
    def max(self, dim: Tensor | None = None, keepdim: bool = False) -> Tensor:
        """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""
    @overload
    def max(self, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
        """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

    def maximum(self, y: Operand) -> Tensor:
        """The larger of each pair; NaN if either is."""

    def mean(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """The arithmetic mean over `dim`; NaN for nothing."""

    @overload
    def min(self, dim: Tensor | None = None, keepdim: bool = False) -> Tensor:
        """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""
    @overload
    def min(self, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
        """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

    def minimum(self, y: Operand) -> Tensor:
        """The smaller of each pair; NaN if either is."""

    def mul(self, y: Operand) -> Tensor:
        """x · y."""

    def ne(self, y: Operand) -> Tensor:
        """x ≠ y."""

    def neg(self) -> Tensor:
        """−x."""

    def nonzero(self) -> tuple[Tensor, ...]:
        """The positions of the non-zero elements, one index tensor for each dimension."""

    def norm(self, p: float = 2.0, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """The p-norm (Σ |x|ᵖ)^(1/p) over `dim`; p may be 1, 2, any positive number or ±infinity."""

    def outer(self, y: Tensor) -> Tensor:
        """The table of all products of two vectors: out[i, j] = x[i] · y[j]."""

    def permute(self, *dims: Any) -> Tensor:
        """The dimensions in another order: `images.permute(0, 2, 3, 1)` turns NCHW into NHWC."""

    def pow(self, y: Operand) -> Tensor:
        """x raised to the power y."""

    def prod(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The product of all elements, or along one dimension; 1 for nothing."""

    def reciprocal(self) -> Tensor:
        """1 / x."""

    def relu(self) -> Tensor:
        """max(x, 0); its slope at 0 is taken as 0."""

    def remainder(self, y: Operand) -> Tensor:
        """x − y · ⌊x / y⌋, with the sign of y."""

    def reshape(self, *sizes: Any, shape: Any = None) -> Tensor:
        """The same elements, in the same order, under another shape; one size may be −1 ("what is left")."""

    def round(self) -> Tensor:
        """The nearest integer, halves to the even one."""

    def rsqrt(self) -> Tensor:
        """1 / √x."""

    def scatter_add(self, index: Operand, src: Operand, dim: int) -> Tensor:
        """A copy of x with src added: out[i, index[i, j]] += src[i, j] along dim=1, likewise for any dim."""

    def sigmoid(self) -> Tensor:
        """1 / (1 + e⁻ˣ), an S between 0 and 1."""

    def sign(self) -> Tensor:
        """−1, 0 or 1."""

    def sin(self) -> Tensor:
        """The sine of x radians."""

    def softmax(self, dim: int) -> Tensor:
        """Scores into probabilities along `dim`: eˣ / Σ eˣ, shifted by the maximum so that nothing overflows."""

    def sort(self, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
        """The elements along `dim` in order, and where each came from; equal ones keep their order."""

    def split(self, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
        """x cut along `dim` into pieces of `split_size` (the last may be smaller), or of the sizes listed."""

    def sqrt(self) -> Tensor:
        """The square root; its slope at 0 is infinite."""

    def square(self) -> Tensor:
        """x²."""

    def squeeze(self, dim: int | Sequence[int] | None = None) -> Tensor:
        """Without the dimensions of size 1 (or only those named by `dim`)."""

    def std(self, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
        """The standard deviation over `dim`, the root of `var`; its slope at 0 is taken as 0."""

    def sub(self, y: Operand) -> Tensor:
        """x − y."""

    def sum(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """The sum over `dim` (an int, several, or None for all); 0 for nothing."""

    def take_along_dim(self, indices: Tensor, dim: int | None = None) -> Tensor:
        """NumPy's `take_along_axis`: like `gather`, broadcasting x and indices outside `dim`."""

    def tanh(self) -> Tensor:
        """The hyperbolic tangent, an S between −1 and 1."""

    def to(self, target: DTypeLike | Backend) -> Tensor:
        """Another dtype (`t.to("float64")`, `t.to(tc.int64)`) or another backend (`t.to("cupy")`)."""

    def topk(self, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
        """The k largest (or smallest) elements along `dim`, in order, and their indices."""

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two dimensions exchanged."""

    def trunc(self) -> Tensor:
        """The integer part, towards zero."""

    def unbind(self, dim: int = 0) -> tuple[Tensor, ...]:
        """Every slice along `dim`, without that dimension."""

    def unsqueeze(self, dim: int) -> Tensor:
        """With a new dimension of size 1 at position `dim`."""

    def var(self, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
        """The variance over `dim`: Σ (x − mean)² / (n − correction)."""

    def view(self, *sizes: Any) -> Tensor:
        """The same as `reshape` (PyTorch's other name for it)."""
