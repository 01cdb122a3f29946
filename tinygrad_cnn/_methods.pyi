"""The methods of Tensor, written from the registry by scripts/write_stubs.py."""

import builtins
from collections.abc import Sequence
from typing import Any, Literal, overload

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import Dims, DTypeLike, Shape
from tinygrad_cnn.ops import Operand
from tinygrad_cnn.ops._results import ValuesAndIndices

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

    def acos(self) -> Tensor:
        """The angle in 0 .. π whose cosine is x; NaN outside −1 .. 1."""

    def acosh(self) -> Tensor:
        """The number ≥ 0 whose hyperbolic cosine is x: ln(x + √(x² − 1)); NaN below 1."""

    def add(self, y: Operand) -> Tensor:
        """x + y."""

    def addmm(
        self, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1
    ) -> Tensor:
        """beta · x + alpha · (mat1 @ mat2): what a linear layer computes."""

    def all(self, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
        """True where every element over `dim` is non-zero."""

    def allclose(
        self,
        y: Tensor,
        rtol: builtins.float = 1e-05,
        atol: builtins.float = 1e-08,
        equal_nan: builtins.bool = False,
    ) -> builtins.bool:
        """Whether all elements are close, as `isclose` says."""

    def amax(self, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
        """The largest element over `dim`; ties share the gradient evenly, NaN wins over everything."""

    def amin(self, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
        """The smallest element over `dim`; ties share the gradient evenly, NaN wins over everything."""

    def any(self, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
        """True where some element over `dim` is non-zero."""

    def argmax(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The index of the first largest element, along `dim` or in the flattened tensor."""

    def argmin(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The index of the first smallest element, along `dim` or in the flattened tensor."""

    def argsort(
        self, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = True
    ) -> Tensor:
        """The indices that sort x along `dim`."""

    def asin(self) -> Tensor:
        """The angle in −π/2 .. π/2 whose sine is x; NaN outside −1 .. 1."""

    def asinh(self) -> Tensor:
        """The number whose hyperbolic sine is x: ln(x + √(x² + 1))."""

    def assign(self, value: Any) -> Tensor:
        """Overwrite the memory of a leaf (and of everything that shares it); returns the leaf."""

    def atan(self) -> Tensor:
        """The angle in −π/2 .. π/2 whose tangent is x."""

    def atan2(self, x: Operand) -> Tensor:
        """The direction of the point (x, y), as an angle in −π .. π; y comes first."""

    def atanh(self) -> Tensor:
        """The number whose hyperbolic tangent is x; ±∞ at ±1, NaN beyond."""

    def backward(self, gradient: Tensor | None = None, *, retain_graph: builtins.bool = False) -> None:
        """Walk backward from this tensor and add the gradients to `.grad` of the leaves."""

    def bfloat16(self) -> Tensor:
        """In bfloat16."""

    def bitwise_and(self, y: Operand) -> Tensor:
        """The bits that both have, also written x & y; of bools, whether both are True."""

    def bitwise_not(self) -> Tensor:
        """Every bit turned over, also written ~x: −x − 1; of bools, the opposite."""

    def bitwise_or(self, y: Operand) -> Tensor:
        """The bits that at least one has, also written x | y."""

    def bitwise_xor(self, y: Operand) -> Tensor:
        """The bits that just one has, also written x ^ y."""

    def bmm(self, mat2: Tensor) -> Tensor:
        """Matrix by matrix through two stacks of one length: (b, n, k), (b, k, m) → (b, n, m)."""

    def bool(self) -> Tensor:
        """True where it is not 0."""

    def broadcast_to(self, shape: Shape) -> Tensor:
        """x stretched to `shape` by NumPy's broadcasting rule."""

    def ceil(self) -> Tensor:
        """The smallest integer ≥ x."""

    def chunk(self, chunks: builtins.int, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """x cut along `dim` into at most `chunks` pieces of equal size (the last may be smaller)."""

    def clamp(
        self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None
    ) -> Tensor:
        """x held between min and max; the bounds themselves pass the gradient."""

    def clamp_max(self, max: builtins.float) -> Tensor:
        """x, but nowhere above max."""

    def clamp_min(self, min: builtins.float) -> Tensor:
        """x, but nowhere below min."""

    def clone(self) -> Tensor:
        """A copy in memory of its own; gradients pass through."""

    def contiguous(self) -> Tensor:
        """The tensor itself: how a backend lays numbers out in memory never shows."""

    def cos(self) -> Tensor:
        """The cosine of x radians."""

    def cosh(self) -> Tensor:
        """The hyperbolic cosine, (eˣ + e⁻ˣ) / 2: how a chain hangs."""

    def count_nonzero(self, dim: Dims = None) -> Tensor:
        """How many elements over `dim` are not 0, in int64."""

    def cummax(self, dim: builtins.int) -> ValuesAndIndices:
        """The largest element so far along `dim`, and its index (of equal ones the latest); NaN stays."""

    def cummin(self, dim: builtins.int) -> ValuesAndIndices:
        """The smallest element so far along `dim`, and its index (of equal ones the latest); NaN stays."""

    def cumprod(self, dim: builtins.int) -> Tensor:
        """The products of the first 1, 2, 3 ... elements along `dim`; integers and bools give int64."""

    def cumsum(self, dim: builtins.int) -> Tensor:
        """The sums of the first 1, 2, 3 ... elements along `dim`; integers and bools are counted in int64."""

    def diag(self, diagonal: builtins.int = 0) -> Tensor:
        """A vector as a diagonal matrix, or the diagonal of a matrix as a vector."""

    def diag_embed(
        self, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1
    ) -> Tensor:
        """Matrices of zeros with the last dimension of x on a diagonal; they lie in dimensions dim1 and dim2."""

    def diagonal(self, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor:
        """The elements on a diagonal of the matrices in dimensions dim1 and dim2, as a new last dimension."""

    def dim(self) -> builtins.int:
        """The number of dimensions, as `ndim`."""

    def div(self, y: Operand) -> Tensor:
        """x / y, in floating point also for integers."""

    def dot(self, y: Tensor) -> Tensor:
        """The sum of products of two vectors."""

    def double(self) -> Tensor:
        """In float64."""

    def eq(self, y: Operand) -> Tensor:
        """x = y."""

    def equal(self, y: Tensor) -> builtins.bool:
        """Whether both have the same shape and the same elements (`x == y` compares element by element)."""

    def erf(self) -> Tensor:
        """The error function 2/√π ∫₀ˣ e^(−t²) dt."""

    def exp(self) -> Tensor:
        """eˣ."""

    def exp2(self) -> Tensor:
        """2ˣ."""

    def expand(self, *sizes: Any, shape: Any = None) -> Tensor:
        """Dimensions of size 1 stretched to new sizes without copying; −1 keeps a size."""

    def expand_as(self, other: Tensor) -> Tensor:
        """Stretched to the shape of another tensor, without copying."""

    def expm1(self) -> Tensor:
        """eˣ − 1, accurate near 0."""

    def flatten(self, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
        """Dimensions start_dim .. end_dim as one: (N, C, H, W) → (N, C·H·W) with start_dim=1."""

    def flip(self, *order: Any, dims: Any = None) -> Tensor:
        """The order of elements reversed along the dimensions named: `flip(x, 0, 1)` or `flip(x, dims=(0, 1))`."""

    def fliplr(self) -> Tensor:
        """Left and right exchanged: dimension 1 reversed."""

    def flipud(self) -> Tensor:
        """Up and down exchanged: dimension 0 reversed."""

    def float(self) -> Tensor:
        """In float32."""

    def floor(self) -> Tensor:
        """The largest integer ≤ x."""

    def floor_divide(self, y: Operand) -> Tensor:
        """The largest integer ≤ x / y (a step function: it has no gradient)."""

    def fmod(self, y: Tensor | builtins.float) -> Tensor:
        """x − y · trunc(x / y): what division leaves over, with the sign of x (`remainder` has that of y)."""

    def frac(self) -> Tensor:
        """What is left of x without its integer part, with the sign of x."""

    def gather(self, dim: builtins.int, index: Tensor) -> Tensor:
        """out[i, j] = x[i, index[i, j]] along dim=1, and likewise for any dim."""

    def ge(self, y: Operand) -> Tensor:
        """x ≥ y."""

    def gt(self, y: Operand) -> Tensor:
        """x > y."""

    def half(self) -> Tensor:
        """In float16."""

    def index_add(
        self, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1
    ) -> Tensor:
        """A copy of x with alpha times each slice of source added to the slice that its index names."""

    def index_select(self, dim: builtins.int, index: Tensor) -> Tensor:
        """The slices along `dim` that a vector of indices names, in its order; one may come twice."""

    def int(self) -> Tensor:
        """In int32, towards zero."""

    def is_floating_point(self) -> builtins.bool:
        """Whether its elements are floating-point numbers."""

    def isclose(
        self,
        y: Tensor,
        rtol: builtins.float = 1e-05,
        atol: builtins.float = 1e-08,
        equal_nan: builtins.bool = False,
    ) -> Tensor:
        """True where |x − y| ≤ atol + rtol · |y|; infinities are close to themselves, NaN only if `equal_nan`."""

    def isfinite(self) -> Tensor:
        """True where x is neither infinite nor NaN."""

    def isinf(self) -> Tensor:
        """True where x is plus or minus infinity."""

    def isnan(self) -> Tensor:
        """True where x is not a number."""

    def kron(self, y: Tensor) -> Tensor:
        """Kronecker's product: every element of x times the whole of y, block by block."""

    def kthvalue(
        self, k: builtins.int, dim: builtins.int = -1, keepdim: builtins.bool = False
    ) -> ValuesAndIndices:
        """The k-th smallest element along `dim`, counted from 1, and its index."""

    def le(self, y: Operand) -> Tensor:
        """x ≤ y."""

    def lerp(self, end: Tensor, weight: Tensor | builtins.float) -> Tensor:
        """x + weight · (end − x): on the straight way from x to end."""

    def log(self) -> Tensor:
        """The natural logarithm."""

    def log10(self) -> Tensor:
        """The logarithm to base 10."""

    def log1p(self) -> Tensor:
        """ln(1 + x), accurate near 0."""

    def log2(self) -> Tensor:
        """The logarithm to base 2: entropies in bits."""

    def log_softmax(self, dim: builtins.int) -> Tensor:
        """ln softmax(x) along `dim`, computed as x − logsumexp(x)."""

    def logaddexp(self, y: Operand) -> Tensor:
        """ln(eˣ + eʸ) without overflow: how probabilities are added when only their logarithms are at hand."""

    def logcumsumexp(self, dim: builtins.int) -> Tensor:
        """ln Σ eˣ over the first 1, 2, 3 ... elements along `dim`: a chain of `logaddexp`, without overflow."""

    def logical_and(self, y: Operand) -> Tensor:
        """True where both are non-zero."""

    def logical_not(self) -> Tensor:
        """True where x is zero."""

    def logical_or(self, y: Operand) -> Tensor:
        """True where at least one is non-zero."""

    def logical_xor(self, y: Operand) -> Tensor:
        """True where exactly one is non-zero."""

    def logsumexp(self, dim: Dims, keepdim: builtins.bool = False) -> Tensor:
        """ln Σ eˣ over `dim`, shifted by the maximum so that nothing overflows; −∞ for all −∞, and for nothing."""

    def long(self) -> Tensor:
        """In int64, towards zero: the dtype of labels and indices."""

    def lt(self, y: Operand) -> Tensor:
        """x < y."""

    def masked_fill(self, mask: Tensor, value: Any) -> Tensor:
        """x with one value wherever the mask is True; what was filled gets no gradient."""

    def masked_select(self, mask: Tensor) -> Tensor:
        """The elements for which the mask is True, as a vector; x and mask broadcast."""

    def matmul(self, y: Operand) -> Tensor:
        """The matrix product, also written x @ y: vectors, matrices, and stacks of matrices that broadcast."""

    @overload
    def max(self, dim: Tensor | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""
    @overload
    def max(self, dim: builtins.int, keepdim: builtins.bool = False) -> ValuesAndIndices:
        """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

    def maximum(self, y: Operand) -> Tensor:
        """The larger of each pair; NaN if either is."""

    def mean(self, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
        """The arithmetic mean over `dim`; NaN for nothing."""

    @overload
    def median(self, dim: None = None, keepdim: builtins.bool = False) -> Tensor:
        """The middle element, of two middle ones the smaller; NaN if there is one."""
    @overload
    def median(self, dim: builtins.int, keepdim: builtins.bool = False) -> ValuesAndIndices:
        """The middle element, of two middle ones the smaller; NaN if there is one."""

    @overload
    def min(self, dim: Tensor | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""
    @overload
    def min(self, dim: builtins.int, keepdim: builtins.bool = False) -> ValuesAndIndices:
        """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

    def minimum(self, y: Operand) -> Tensor:
        """The smaller of each pair; NaN if either is."""

    def mm(self, mat2: Tensor) -> Tensor:
        """A matrix times a matrix: (n, k), (k, m) → (n, m)."""

    def moveaxis(
        self,
        source: builtins.int | Sequence[builtins.int],
        destination: builtins.int | Sequence[builtins.int],
    ) -> Tensor:
        """The same as `movedim` (NumPy's name for it)."""

    def movedim(
        self,
        source: builtins.int | Sequence[builtins.int],
        destination: builtins.int | Sequence[builtins.int],
    ) -> Tensor:
        """Some dimensions moved to other positions; the others keep their order."""

    def mul(self, y: Operand) -> Tensor:
        """x · y."""

    def mv(self, vec: Tensor) -> Tensor:
        """A matrix times a vector: (n, m), (m) → (n)."""

    def nan_to_num(
        self,
        nan: builtins.float = 0.0,
        posinf: builtins.float | None = None,
        neginf: builtins.float | None = None,
    ) -> Tensor:
        """x with numbers in the place of NaN and of the infinities, by default 0 and the largest of the dtype."""

    def narrow(self, dim: builtins.int, start: builtins.int, length: builtins.int) -> Tensor:
        """`length` slices along `dim`, from `start` on."""

    def ne(self, y: Operand) -> Tensor:
        """x ≠ y."""

    def neg(self) -> Tensor:
        """−x."""

    def nelement(self) -> builtins.int:
        """How many elements it holds, as `numel()`."""

    def new_full(self, size: Any, fill_value: builtins.float, *, dtype: DTypeLike | None = None) -> Tensor:
        """A tensor of any size filled with one value, with the dtype and backend of this one."""

    def new_ones(self, *size: Any, dtype: DTypeLike | None = None) -> Tensor:
        """Ones of any size, with the dtype and backend of this tensor."""

    def new_zeros(self, *size: Any, dtype: DTypeLike | None = None) -> Tensor:
        """Zeros of any size, with the dtype and backend of this tensor."""

    @overload
    def nonzero(self, *, as_tuple: Literal[False] = False) -> Tensor:
        """The positions of the elements that are not 0: a row for each, or an index tensor for each dimension."""
    @overload
    def nonzero(self, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]:
        """The positions of the elements that are not 0: a row for each, or an index tensor for each dimension."""

    def norm(
        self, p: builtins.float | str = "fro", dim: Dims = None, keepdim: builtins.bool = False
    ) -> Tensor:
        """The p-norm (Σ |x|ᵖ)^(1/p) over `dim`, of all elements by default; its slope at 0 is taken as 0."""

    def outer(self, y: Tensor) -> Tensor:
        """The table of all products of two vectors: out[i, j] = x[i] · y[j]."""

    def permute(self, *order: Any, dims: Any = None) -> Tensor:
        """The dimensions in another order: `images.permute(0, 2, 3, 1)` turns NCHW into NHWC."""

    def pow(self, y: Operand) -> Tensor:
        """x raised to the power y."""

    def prod(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The product of all elements, or along one dimension; 1 for nothing."""

    def quantile(
        self,
        q: builtins.float | Tensor,
        dim: builtins.int | None = None,
        keepdim: builtins.bool = False,
        *,
        interpolation: str = "linear",
    ) -> Tensor:
        """The value below which a fraction q of the elements lies; NaN if one is NaN."""

    def ravel(self) -> Tensor:
        """All elements in one dimension."""

    def reciprocal(self) -> Tensor:
        """1 / x."""

    def relu(self) -> Tensor:
        """max(x, 0); its slope at 0 is taken as 0."""

    def remainder(self, y: Operand) -> Tensor:
        """x − y · ⌊x / y⌋, with the sign of y."""

    def repeat(self, *repeats: Any) -> Tensor:
        """The whole tensor that many times along each dimension; more numbers than dimensions add some in front."""

    def repeat_interleave(self, repeats: builtins.int | Tensor, dim: builtins.int | None = None) -> Tensor:
        """Every element several times in a row along `dim`; of the flattened tensor when dim is None."""

    def reshape(self, *sizes: Any, shape: Any = None) -> Tensor:
        """The same elements, in the same order, under another shape; one size may be −1 ("what is left")."""

    def reshape_as(self, other: Tensor) -> Tensor:
        """The same elements in the shape of another tensor."""

    def roll(
        self,
        shifts: builtins.int | Sequence[builtins.int],
        dims: builtins.int | Sequence[builtins.int] | None = None,
    ) -> Tensor:
        """Elements moved along `dims`; what leaves at the end comes in at the front."""

    def round(self) -> Tensor:
        """The nearest integer, halves to the even one."""

    def rsqrt(self) -> Tensor:
        """1 / √x."""

    def scatter(
        self,
        dim: builtins.int,
        index: Tensor,
        src: Tensor | builtins.float | None = None,
        *,
        value: builtins.float | None = None,
    ) -> Tensor:
        """A copy of x with src written in: out[i, index[i, j]] = src[i, j] along dim=1, likewise for any dim."""

    def scatter_add(self, dim: builtins.int, index: Tensor, src: Tensor) -> Tensor:
        """A copy of x with src added: out[i, index[i, j]] += src[i, j] along dim=1, likewise for any dim."""

    def select(self, dim: builtins.int, index: builtins.int) -> Tensor:
        """One slice along `dim`, without that dimension: x[:, :, index] for dim=2."""

    def sigmoid(self) -> Tensor:
        """1 / (1 + e⁻ˣ), an S between 0 and 1."""

    def sign(self) -> Tensor:
        """−1, 0 or 1."""

    def sin(self) -> Tensor:
        """The sine of x radians."""

    def sinh(self) -> Tensor:
        """The hyperbolic sine, (eˣ − e⁻ˣ) / 2."""

    def softmax(self, dim: builtins.int) -> Tensor:
        """Scores into probabilities along `dim`: eˣ / Σ eˣ, shifted by the maximum so that nothing overflows."""

    def sort(
        self, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = True
    ) -> ValuesAndIndices:
        """The elements along `dim` in order, and where each came from."""

    def split(
        self, split_size: builtins.int | Sequence[builtins.int], dim: builtins.int = 0
    ) -> tuple[Tensor, ...]:
        """x cut along `dim` into pieces of `split_size` (the last may be smaller), or of the sizes listed."""

    def sqrt(self) -> Tensor:
        """The square root; its slope at 0 is infinite."""

    def square(self) -> Tensor:
        """x²."""

    def squeeze(self, dim: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Without the dimensions of size 1 (or only those named by `dim`)."""

    def std(self, dim: Dims = None, correction: builtins.int = 1, keepdim: builtins.bool = False) -> Tensor:
        """The standard deviation over `dim`, the root of `var`; its slope at 0 is taken as 0."""

    def sub(self, y: Operand) -> Tensor:
        """x − y."""

    def sum(self, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
        """The sum over `dim` (an int, several, or None for all); 0 for nothing."""

    def swapaxes(self, axis0: builtins.int, axis1: builtins.int) -> Tensor:
        """The same as `transpose` (NumPy's name for it)."""

    def swapdims(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """The same as `transpose`."""

    def t(self) -> Tensor:
        """The transpose of a matrix; vectors and numbers stay as they are."""

    def take_along_dim(self, indices: Tensor, dim: builtins.int | None = None) -> Tensor:
        """NumPy's `take_along_axis`: like `gather`, broadcasting x and indices outside `dim`."""

    def tan(self) -> Tensor:
        """The tangent of x radians, sin x / cos x."""

    def tanh(self) -> Tensor:
        """The hyperbolic tangent, an S between −1 and 1."""

    def tensor_split(
        self, indices_or_sections: builtins.int | Sequence[builtins.int], dim: builtins.int = 0
    ) -> tuple[Tensor, ...]:
        """x cut into that many pieces, the first ones larger by one if it must be, or cut before given places."""

    def tile(self, *dims: Any) -> Tensor:
        """Like `repeat`; numbers that are missing in front count as 1."""

    def to(self, target: DTypeLike | Backend) -> Tensor:
        """Another dtype (`t.to("float64")`, `t.to(tc.int64)`) or another backend (`t.to("cupy")`)."""

    def topk(
        self,
        k: builtins.int,
        dim: builtins.int = -1,
        largest: builtins.bool = True,
        sorted: builtins.bool = True,
    ) -> ValuesAndIndices:
        """The k largest (or smallest) elements along `dim`, and their indices; in order, whatever `sorted` says."""

    def trace(self) -> Tensor:
        """The sum of a matrix's main diagonal."""

    def transpose(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Two dimensions exchanged."""

    def tril(self, diagonal: builtins.int = 0) -> Tensor:
        """The lower triangle of a matrix (or of each of a stack), zeros above the given diagonal."""

    def triu(self, diagonal: builtins.int = 0) -> Tensor:
        """The upper triangle of a matrix (or of each of a stack), zeros below the given diagonal."""

    def trunc(self) -> Tensor:
        """The integer part, towards zero."""

    def type_as(self, other: Tensor) -> Tensor:
        """In the dtype of another tensor."""

    def unbind(self, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """Every slice along `dim`, without that dimension."""

    def unflatten(self, dim: builtins.int, sizes: Sequence[builtins.int]) -> Tensor:
        """One dimension as several; one of the sizes may be −1 ("what is left")."""

    def unique(
        self,
        sorted: builtins.bool = True,
        return_inverse: builtins.bool = False,
        return_counts: builtins.bool = False,
    ) -> Tensor | tuple[Tensor, ...]:
        """The different elements in ascending order (whatever `sorted` says); a constant, without gradient."""

    def unsqueeze(self, dim: builtins.int) -> Tensor:
        """With a new dimension of size 1 at position `dim`."""

    def var(self, dim: Dims = None, correction: builtins.int = 1, keepdim: builtins.bool = False) -> Tensor:
        """The variance over `dim`: Σ (x − mean)² / (n − correction)."""

    def view(self, *sizes: Any) -> Tensor:
        """The same as `reshape` (PyTorch's other name for it)."""

    def view_as(self, other: Tensor) -> Tensor:
        """The same elements in the shape of another tensor."""

    def where(self, condition: Tensor, y: Any) -> Tensor:
        """The tensor itself where the condition holds, y elsewhere."""
