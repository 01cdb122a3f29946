"""The public operations, written from the registry by scripts/write_stubs.py."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias, overload

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import Dims, DTypeLike, Shape
from tinygrad_cnn.ops._results import ValuesAndIndices

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "addmm",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "as_tensor",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "bernoulli",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "broadcast_tensors",
    "broadcast_to",
    "cat",
    "ceil",
    "chunk",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clone",
    "cos",
    "cosh",
    "count_nonzero",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "diag",
    "diag_embed",
    "diagonal",
    "div",
    "dot",
    "dstack",
    "einsum",
    "eq",
    "equal",
    "erf",
    "exp",
    "exp2",
    "expand",
    "expm1",
    "eye",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "floor",
    "floor_divide",
    "fmod",
    "frac",
    "from_numpy",
    "full",
    "full_like",
    "gather",
    "ge",
    "gt",
    "hstack",
    "index_add",
    "index_select",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "kron",
    "kthvalue",
    "le",
    "leaky_relu",
    "lerp",
    "linspace",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logcumsumexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsigmoid",
    "logsumexp",
    "lt",
    "manual_seed",
    "masked_fill",
    "masked_select",
    "matmul",
    "max",
    "maximum",
    "mean",
    "median",
    "meshgrid",
    "min",
    "minimum",
    "mm",
    "moveaxis",
    "movedim",
    "mul",
    "mv",
    "nan_to_num",
    "narrow",
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
    "quantile",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "ravel",
    "reciprocal",
    "relu",
    "remainder",
    "repeat_interleave",
    "reshape",
    "roll",
    "round",
    "rsqrt",
    "scatter",
    "scatter_add",
    "select",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "std_mean",
    "sub",
    "sum",
    "swapaxes",
    "swapdims",
    "t",
    "take_along_dim",
    "tan",
    "tanh",
    "tensor_split",
    "tensordot",
    "tile",
    "topk",
    "trace",
    "transpose",
    "tril",
    "triu",
    "trunc",
    "unbind",
    "unflatten",
    "unique",
    "unsqueeze",
    "var",
    "var_mean",
    "vstack",
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

def acos(x: Operand) -> Tensor:
    """The angle in 0 .. π whose cosine is x; NaN outside −1 .. 1."""

def acosh(x: Operand) -> Tensor:
    """The number ≥ 0 whose hyperbolic cosine is x: ln(x + √(x² − 1)); NaN below 1."""

def add(x: Operand, y: Operand) -> Tensor:
    """x + y."""

def addmm(x: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · x + alpha · (mat1 @ mat2): what a linear layer computes."""

def all(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """True where every element over `dim` is non-zero."""

def allclose(x: Tensor, y: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, as `isclose` says."""

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

def argsort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort x along `dim`."""

def as_tensor(data: Any, *, dtype: DTypeLike | None = None, backend: str | Backend | None = None) -> Tensor:
    """A tensor as it is, anything else as a new one (a copy, other than PyTorch's: tensors do not change)."""

def asin(x: Operand) -> Tensor:
    """The angle in −π/2 .. π/2 whose sine is x; NaN outside −1 .. 1."""

def asinh(x: Operand) -> Tensor:
    """The number whose hyperbolic sine is x: ln(x + √(x² + 1))."""

def atan(x: Operand) -> Tensor:
    """The angle in −π/2 .. π/2 whose tangent is x."""

def atan2(y: Operand, x: Operand) -> Tensor:
    """The direction of the point (x, y), as an angle in −π .. π; y comes first."""

def atanh(x: Operand) -> Tensor:
    """The number whose hyperbolic tangent is x; ±∞ at ±1, NaN beyond."""

def atleast_1d(*tensors: Any) -> Any:
    """With one dimension if there was none; of several tensors, a tuple."""

def atleast_2d(*tensors: Any) -> Any:
    """With two dimensions or more: a vector becomes a row; of several tensors, a tuple."""

def atleast_3d(*tensors: Any) -> Any:
    """With three dimensions or more: a vector becomes (1, n, 1), a matrix (n, m, 1); of several, a tuple."""

def bernoulli(x: Tensor) -> Tensor:
    """1 with the probability that x gives for each element, else 0; a constant, in the dtype of x."""

def bitwise_and(x: Operand, y: Operand) -> Tensor:
    """The bits that both have, also written x & y; of bools, whether both are True."""

def bitwise_not(x: Operand) -> Tensor:
    """Every bit turned over, also written ~x: −x − 1; of bools, the opposite."""

def bitwise_or(x: Operand, y: Operand) -> Tensor:
    """The bits that at least one has, also written x | y."""

def bitwise_xor(x: Operand, y: Operand) -> Tensor:
    """The bits that just one has, also written x ^ y."""

def bmm(x: Tensor, mat2: Tensor) -> Tensor:
    """Matrix by matrix through two stacks of one length: (b, n, k), (b, k, m) → (b, n, m)."""

def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors stretched to their common shape, without copying."""

def broadcast_to(x: Tensor, shape: Shape) -> Tensor:
    """x stretched to `shape` by NumPy's broadcasting rule."""

def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors joined along an existing dimension; all other sizes must agree."""

def ceil(x: Operand) -> Tensor:
    """The smallest integer ≥ x."""

def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """x cut along `dim` into at most `chunks` pieces of equal size (the last may be smaller)."""

def clamp(x: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None) -> Tensor:
    """x held between min and max; the bounds themselves pass the gradient."""

def clamp_max(x: Tensor, max: float) -> Tensor:
    """x, but nowhere above max."""

def clamp_min(x: Tensor, min: float) -> Tensor:
    """x, but nowhere below min."""

def clone(x: Operand) -> Tensor:
    """A copy in memory of its own; gradients pass through."""

def cos(x: Operand) -> Tensor:
    """The cosine of x radians."""

def cosh(x: Operand) -> Tensor:
    """The hyperbolic cosine, (eˣ + e⁻ˣ) / 2: how a chain hangs."""

def count_nonzero(x: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over `dim` are not 0, in int64."""

def cummax(x: Tensor, dim: int) -> ValuesAndIndices:
    """The largest element so far along `dim`, and its index (of equal ones the latest); NaN stays."""

def cummin(x: Tensor, dim: int) -> ValuesAndIndices:
    """The smallest element so far along `dim`, and its index (of equal ones the latest); NaN stays."""

def cumprod(x: Operand, dim: int) -> Tensor:
    """The products of the first 1, 2, 3 ... elements along `dim`; integers and bools give int64."""

def cumsum(x: Operand, dim: int) -> Tensor:
    """The sums of the first 1, 2, 3 ... elements along `dim`; integers and bools are counted in int64."""

def diag(x: Tensor, diagonal: int = 0) -> Tensor:
    """A vector as a diagonal matrix, or the diagonal of a matrix as a vector."""

def diag_embed(x: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices of zeros with the last dimension of x on a diagonal; they lie in dimensions dim1 and dim2."""

def diagonal(x: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements on a diagonal of the matrices in dimensions dim1 and dim2, as a new last dimension."""

def div(x: Operand, y: Operand) -> Tensor:
    """x / y, in floating point also for integers."""

def dot(x: Tensor, y: Tensor) -> Tensor:
    """The sum of products of two vectors."""

def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one behind the other: along dimension 2, with matrices as slices."""

def einsum(equation: str, *operands: Any) -> Tensor:
    """The sum of products that an equation describes."""

def eq(x: Operand, y: Operand) -> Tensor:
    """x = y."""

def equal(x: Tensor, y: Tensor) -> bool:
    """Whether both have the same shape and the same elements (`x == y` compares element by element)."""

def erf(x: Operand) -> Tensor:
    """The error function 2/√π ∫₀ˣ e^(−t²) dt."""

def exp(x: Operand) -> Tensor:
    """eˣ."""

def exp2(x: Tensor) -> Tensor:
    """2ˣ."""

def expand(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Dimensions of size 1 stretched to new sizes without copying; −1 keeps a size."""

def expm1(x: Operand) -> Tensor:
    """eˣ − 1, accurate near 0."""

def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DTypeLike = ...,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The identity matrix, n × n (or n × m with ones on the diagonal)."""

def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim .. end_dim as one: (N, C, H, W) → (N, C·H·W) with start_dim=1."""

def flip(x: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The order of elements reversed along the dimensions named: `flip(x, 0, 1)` or `flip(x, dims=(0, 1))`."""

def fliplr(x: Tensor) -> Tensor:
    """Left and right exchanged: dimension 1 reversed."""

def flipud(x: Tensor) -> Tensor:
    """Up and down exchanged: dimension 0 reversed."""

def floor(x: Operand) -> Tensor:
    """The largest integer ≤ x."""

def floor_divide(x: Operand, y: Operand) -> Tensor:
    """The largest integer ≤ x / y (a step function: it has no gradient)."""

def fmod(x: Tensor, y: Tensor | float) -> Tensor:
    """x − y · trunc(x / y): what division leaves over, with the sign of x (`remainder` has that of y)."""

def frac(x: Tensor) -> Tensor:
    """What is left of x without its integer part, with the sign of x."""

def from_numpy(array: Any) -> Tensor:
    """A copy of a NumPy array, in its dtype (PyTorch's shares memory; here tensors do not change)."""

def full(
    shape: Any,
    fill_value: float,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    name: str | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor filled with one value; int64 for an int, bool for a bool, float32 otherwise."""

def full_like(x: Tensor, fill_value: float, *, dtype: DTypeLike | None = None, **options: Any) -> Tensor:
    """One value in the shape of x, with its dtype if no other is named, on its backend."""

def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i, j] = x[i, index[i, j]] along dim=1, and likewise for any dim."""

def ge(x: Operand, y: Operand) -> Tensor:
    """x ≥ y."""

def gt(x: Operand, y: Operand) -> Tensor:
    """x > y."""

def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side: along dimension 1, vectors along their only one."""

def index_add(x: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """A copy of x with alpha times each slice of source added to the slice that its index names."""

def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along `dim` that a vector of indices names, in its order; one may come twice."""

def isclose(
    x: Tensor, y: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """True where |x − y| ≤ atol + rtol · |y|; infinities are close to themselves, NaN only if `equal_nan`."""

def isfinite(x: Operand) -> Tensor:
    """True where x is neither infinite nor NaN."""

def isinf(x: Operand) -> Tensor:
    """True where x is plus or minus infinity."""

def isnan(x: Operand) -> Tensor:
    """True where x is not a number."""

def kron(x: Tensor, y: Tensor) -> Tensor:
    """Kronecker's product: every element of x times the whole of y, block by block."""

def kthvalue(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices:
    """The k-th smallest element along `dim`, counted from 1, and its index."""

def le(x: Operand, y: Operand) -> Tensor:
    """x ≤ y."""

def leaky_relu(x: Operand, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, negative_slope · x elsewhere."""

def lerp(x: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """x + weight · (end − x): on the straight way from x to end."""

def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: DTypeLike = ...,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """That many numbers from start to end, both included, evenly spaced."""

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

def logaddexp(x: Operand, y: Operand) -> Tensor:
    """ln(eˣ + eʸ) without overflow: how probabilities are added when only their logarithms are at hand."""

def logcumsumexp(x: Tensor, dim: int) -> Tensor:
    """ln Σ eˣ over the first 1, 2, 3 ... elements along `dim`: a chain of `logaddexp`, without overflow."""

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
    """ln Σ eˣ over `dim`, shifted by the maximum so that nothing overflows; −∞ for all −∞, and for nothing."""

def lt(x: Operand, y: Operand) -> Tensor:
    """x < y."""

def manual_seed(seed: int) -> None:
    """Start all randomness of the library afresh from this seed."""

def masked_fill(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """x with one value wherever the mask is True; what was filled gets no gradient."""

def masked_select(x: Tensor, mask: Tensor) -> Tensor:
    """The elements for which the mask is True, as a vector; x and mask broadcast."""

def matmul(x: Operand, y: Operand) -> Tensor:
    """The matrix product, also written x @ y: vectors, matrices, and stacks of matrices that broadcast."""

@overload
def max(x: Tensor, dim: Tensor | None = None, keepdim: bool = False) -> Tensor:
    """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

@overload
def max(x: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices:
    """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

def maximum(x: Operand, y: Operand) -> Tensor:
    """The larger of each pair; NaN if either is."""

def mean(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The arithmetic mean over `dim`; NaN for nothing."""

@overload
def median(x: Tensor, dim: None = None, keepdim: bool = False) -> Tensor:
    """The middle element, of two middle ones the smaller; NaN if there is one."""

@overload
def median(x: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices:
    """The middle element, of two middle ones the smaller; NaN if there is one."""

def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid, one tensor for each axis."""

@overload
def min(x: Tensor, dim: Tensor | None = None, keepdim: bool = False) -> Tensor:
    """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

@overload
def min(x: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices:
    """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise."""

def minimum(x: Operand, y: Operand) -> Tensor:
    """The smaller of each pair; NaN if either is."""

def mm(x: Tensor, mat2: Tensor) -> Tensor:
    """A matrix times a matrix: (n, k), (k, m) → (n, m)."""

def moveaxis(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The same as `movedim` (NumPy's name for it)."""

def movedim(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Some dimensions moved to other positions; the others keep their order."""

def mul(x: Operand, y: Operand) -> Tensor:
    """x · y."""

def mv(x: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector: (n, m), (m) → (n)."""

def nan_to_num(
    x: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with numbers in the place of NaN and of the infinities, by default 0 and the largest of the dtype."""

def narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` slices along `dim`, from `start` on."""

def ne(x: Operand, y: Operand) -> Tensor:
    """x ≠ y."""

def neg(x: Operand) -> Tensor:
    """−x."""

@overload
def nonzero(x: Tensor, *, as_tuple: Literal[False] = False) -> Tensor:
    """The positions of the elements that are not 0: a row for each, or an index tensor for each dimension."""

@overload
def nonzero(x: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]:
    """The positions of the elements that are not 0: a row for each, or an index tensor for each dimension."""

def norm(x: Tensor, p: float | str = "fro", dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The p-norm (Σ |x|ᵖ)^(1/p) over `dim`, of all elements by default; its slope at 0 is taken as 0."""

def one_hot(labels: Tensor, num_classes: int = -1) -> Tensor:
    """Labels as rows with a single 1: (*,) → (*, num_classes), int64."""

def ones(*shape: Any, dtype: DTypeLike = ..., **options: Any) -> Tensor:
    """A tensor of ones; options as for `full`."""

def ones_like(x: Tensor, *, dtype: DTypeLike | None = None, **options: Any) -> Tensor:
    """Ones in the shape of x, with its dtype if no other is named, on its backend."""

def outer(x: Tensor, y: Tensor) -> Tensor:
    """The table of all products of two vectors: out[i, j] = x[i] · y[j]."""

def permute(x: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in another order: `images.permute(0, 2, 3, 1)` turns NCHW into NHWC."""

def pow(x: Operand, y: Operand) -> Tensor:
    """x raised to the power y."""

def prod(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The product of all elements, or along one dimension; 1 for nothing."""

def quantile(
    x: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The value below which a fraction q of the elements lies; NaN if one is NaN."""

def rand(
    *shape: Any, dtype: DTypeLike = ..., requires_grad: bool = False, backend: str | Backend | None = None
) -> Tensor:
    """Numbers uniform in [0, 1), of the given shape."""

def rand_like(x: Tensor, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Numbers uniform in [0, 1), in the shape of x, with its dtype if no other is named."""

def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    dtype: DTypeLike = ...,
    backend: str | Backend | None = None,
) -> Tensor:
    """Integers low .. high − 1, each as likely as any other: `randint(low, high, size)`."""

def randn(
    *shape: Any, dtype: DTypeLike = ..., requires_grad: bool = False, backend: str | Backend | None = None
) -> Tensor:
    """Numbers from the standard normal distribution, of the given shape."""

def randn_like(x: Tensor, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Numbers from the standard normal distribution, in the shape of x, with its dtype if no other is named."""

def randperm(n: int, *, dtype: DTypeLike = ..., backend: str | Backend | None = None) -> Tensor:
    """The integers 0 .. n − 1 in random order."""

def ravel(x: Tensor) -> Tensor:
    """All elements in one dimension."""

def reciprocal(x: Operand) -> Tensor:
    """1 / x."""

def relu(x: Operand) -> Tensor:
    """max(x, 0); its slope at 0 is taken as 0."""

def remainder(x: Operand, y: Operand) -> Tensor:
    """x − y · ⌊x / y⌋, with the sign of y."""

def repeat_interleave(x: Tensor, repeats: int | Tensor, dim: int | None = None) -> Tensor:
    """Every element several times in a row along `dim`; of the flattened tensor when dim is None."""

def reshape(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements, in the same order, under another shape; one size may be −1 ("what is left")."""

def roll(x: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """Elements moved along `dims`; what leaves at the end comes in at the front."""

def round(x: Operand) -> Tensor:
    """The nearest integer, halves to the even one."""

def rsqrt(x: Operand) -> Tensor:
    """1 / √x."""

def scatter(
    x: Tensor, dim: int, index: Tensor, src: Tensor | float | None = None, *, value: float | None = None
) -> Tensor:
    """A copy of x with src written in: out[i, index[i, j]] = src[i, j] along dim=1, likewise for any dim."""

def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of x with src added: out[i, index[i, j]] += src[i, j] along dim=1, likewise for any dim."""

def select(x: Tensor, dim: int, index: int) -> Tensor:
    """One slice along `dim`, without that dimension: x[:, :, index] for dim=2."""

def sigmoid(x: Operand) -> Tensor:
    """1 / (1 + e⁻ˣ), an S between 0 and 1."""

def sign(x: Operand) -> Tensor:
    """−1, 0 or 1."""

def sin(x: Operand) -> Tensor:
    """The sine of x radians."""

def sinh(x: Operand) -> Tensor:
    """The hyperbolic sine, (eˣ − e⁻ˣ) / 2."""

def softmax(x: Tensor, dim: int) -> Tensor:
    """Scores into probabilities along `dim`: eˣ / Σ eˣ, shifted by the maximum so that nothing overflows."""

def softplus(x: Operand, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + e^(βx)) / β, a smooth ReLU; x itself where βx > threshold, which differs by less than e⁻²⁰/β."""

def sort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesAndIndices:
    """The elements along `dim` in order, and where each came from."""

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

def std_mean(
    x: Tensor, dim: Dims = None, *, correction: int = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """The pair (standard deviation, mean) over `dim`, as `std` and `mean` give them."""

def sub(x: Operand, y: Operand) -> Tensor:
    """x − y."""

def sum(x: Operand, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The sum over `dim` (an int, several, or None for all); 0 for nothing."""

def swapaxes(x: Tensor, axis0: int, axis1: int) -> Tensor:
    """The same as `transpose` (NumPy's name for it)."""

def swapdims(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """The same as `transpose`."""

def t(x: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers stay as they are."""

def take_along_dim(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """NumPy's `take_along_axis`: like `gather`, broadcasting x and indices outside `dim`."""

def tan(x: Operand) -> Tensor:
    """The tangent of x radians, sin x / cos x."""

def tanh(x: Operand) -> Tensor:
    """The hyperbolic tangent, an S between −1 and 1."""

def tensor_split(x: Tensor, indices_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """x cut into that many pieces, the first ones larger by one if it must be, or cut before given places."""

def tensordot(x: Tensor, y: Tensor, dims: Any = 2) -> Tensor:
    """The sum of products over the last `dims` dimensions of x and the first of y, or over pairs of lists."""

def tile(x: Tensor, *dims: Any) -> Tensor:
    """Like `repeat`; numbers that are missing in front count as 1."""

def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesAndIndices:
    """The k largest (or smallest) elements along `dim`, and their indices; in order, whatever `sorted` says."""

def trace(x: Tensor) -> Tensor:
    """The sum of a matrix's main diagonal."""

def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""

def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of a matrix (or of each of a stack), zeros above the given diagonal."""

def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of a matrix (or of each of a stack), zeros below the given diagonal."""

def trunc(x: Operand) -> Tensor:
    """The integer part, towards zero."""

def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Every slice along `dim`, without that dimension."""

def unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several; one of the sizes may be −1 ("what is left")."""

def unique(
    x: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> Tensor | tuple[Tensor, ...]:
    """The different elements in ascending order (whatever `sorted` says); a constant, without gradient."""

def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at position `dim`."""

def var(x: Operand, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """The variance over `dim`: Σ (x − mean)² / (n − correction)."""

def var_mean(
    x: Tensor, dim: Dims = None, *, correction: int = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """The pair (variance, mean) over `dim`, as `var` and `mean` give them."""

def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one below the other: along dimension 0, vectors as rows."""

def where(condition: Operand, x: Operand, y: Operand) -> Tensor:
    """x where the condition holds, y elsewhere."""

def zeros(*shape: Any, dtype: DTypeLike = ..., **options: Any) -> Tensor:
    """A tensor of zeros; options as for `full`."""

def zeros_like(x: Tensor, *, dtype: DTypeLike | None = None, **options: Any) -> Tensor:
    """Zeros in the shape of x, with its dtype if no other is named, on its backend."""
