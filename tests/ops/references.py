"""What every operation means, written with loops over indices and nothing but the `math` module.

Slow, obvious and independent: no kernel is called, no array function computes anything here. Arrays are
only the boxes that numbers are read from and written into, one element at a time. `REFERENCES[name]` takes
what the operation takes and returns what it returns (a tuple for several outputs).
"""

from __future__ import annotations

import itertools
import math

import numpy as np


def places(shape):
    """Every index of a shape, in row-major order."""
    return itertools.product(*[range(size) for size in shape])


def table(shape, entry):
    """An array whose element at `index` is entry(index)."""
    result = np.empty(shape, dtype=object)
    for index in places(shape):
        result[index] = entry(index)
    return result


def number(x, index=()):
    """One element, as a Python number."""
    return x[index].item()


# --- element by element ---------------------------------------------------------------------------


def stretched(shape, index):
    """The index in an operand of `shape` that stands at `index` of the broadcast result."""
    own = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else place for size, place in zip(shape, own, strict=True))


def common_shape(*shapes):
    ndim = max(len(shape) for shape in shapes)
    padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(0 if 0 in sizes else max(sizes) for sizes in zip(*padded, strict=True))


def elementwise(function):
    def reference(*operands, **params):
        shape = common_shape(*[operand.shape for operand in operands])
        return table(
            shape,
            lambda index: function(
                *[number(operand, stretched(operand.shape, index)) for operand in operands], **params
            ),
        )

    return reference


def sign(x):
    return math.copysign(1.0, x) if x else 0.0


def clamp(x, *, min, max):
    if min is not None and x < min:
        return min
    return max if max is not None and x > max else x


def half_to_even(x):
    below = math.floor(x)
    if x - below == 0.5:
        return below if below % 2 == 0 else below + 1
    return below if x - below < 0.5 else below + 1


ELEMENTWISE = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": lambda x, y: math.pow(x, y),
    "floor_divide": lambda x, y: math.floor(x / y),
    "remainder": lambda x, y: x - math.floor(x / y) * y,
    "maximum": lambda x, y: x if x > y else y,
    "minimum": lambda x, y: x if x < y else y,
    "abs": lambda x: -x if x < 0 else x,
    "sign": sign,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "log2": math.log2,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "erf": math.erf,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky_relu": lambda x, *, negative_slope: x if x > 0 else negative_slope * x,
    "clamp": clamp,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": half_to_even,
    "trunc": lambda x: math.floor(x) if x > 0 else math.ceil(x),
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "logical_and": lambda x, y: x != 0 and y != 0,
    "logical_or": lambda x, y: x != 0 or y != 0,
    "logical_xor": lambda x, y: (x != 0) != (y != 0),
    "logical_not": lambda x: x == 0,
    "isnan": math.isnan,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
    "where": lambda condition, x, y: x if condition else y,
    "alias": lambda x: x,
    "clone": lambda x: x,
    "cast": lambda x, *, dtype: x if dtype.is_floating else int(x),
}


# --- reductions -----------------------------------------------------------------------------------


def axes_of(dim, ndim):
    if dim is None:
        return set(range(ndim))
    return {one % ndim for one in (dim if isinstance(dim, tuple) else (dim,))} if ndim else set()


def lines(x, dim, keepdim):
    """The shape of a reduction, and for each of its places the indices of x that meet there."""
    axes = axes_of(dim, x.ndim)
    groups = {}
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    for index in places(kept):
        place = index if keepdim else tuple(i for axis, i in enumerate(index) if axis not in axes)
        groups[place] = []
    for index in places(x.shape):
        place = tuple(0 if axis in axes else i for axis, i in enumerate(index))
        if not keepdim:
            place = tuple(i for axis, i in enumerate(place) if axis not in axes)
        groups[place].append(index)
    shape = kept if keepdim else tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    return shape, groups


def reduction(function):
    def reference(x, *, dim=None, keepdim=False, **params):
        shape, groups = lines(x, dim, keepdim)
        return table(shape, lambda place: function([number(x, index) for index in groups[place]], **params))

    return reference


def total(values):
    result = 0
    for value in values:
        result += value
    return result


def product(values):
    result = 1
    for value in values:
        result *= value
    return result


def mean(values):
    return total(values) / len(values) if values else math.nan


def var(values, *, correction):
    centre = mean(values)
    return total([(value - centre) ** 2 for value in values]) / (len(values) - correction)


def largest(values):
    best = values[0]
    for value in values:
        best = value if value > best else best
    return best


def smallest(values):
    return -largest([-value for value in values])


def first_place(values, wanted):
    for place, value in enumerate(values):
        if value == wanted:
            return place
    raise AssertionError(f"{wanted} is not among {values}")


REDUCTIONS = {
    "sum": total,
    "mean": mean,
    "var": var,
    "std": lambda values, *, correction: math.sqrt(var(values, correction=correction)),
    "prod_along": product,
    "amax": largest,
    "amin": smallest,
    "argmax": lambda values: first_place(values, largest(values)),
    "argmin": lambda values: first_place(values, smallest(values)),
    "all": lambda values: 0 not in values,
    "any": lambda values: total([value != 0 for value in values]) > 0,
    "euclidean_norm": lambda values: math.sqrt(total([value * value for value in values])),
}


def max_along(x, *, dim, keepdim):
    return REFERENCES["amax"](x, dim=dim, keepdim=keepdim), REFERENCES["argmax"](x, dim=dim, keepdim=keepdim)


def min_along(x, *, dim, keepdim):
    return REFERENCES["amin"](x, dim=dim, keepdim=keepdim), REFERENCES["argmin"](x, dim=dim, keepdim=keepdim)


def line_through(x, index, dim):
    """The elements of x along `dim` through one place."""
    return [number(x, (*index[:dim], i, *index[dim + 1 :])) for i in range(x.shape[dim])]


def products_of_others(x, *, dim):
    def others(index):
        values = line_through(x, index, dim)
        return product(values[: index[dim]] + values[index[dim] + 1 :])

    return table(x.shape, others)


def log_softmax(x, *, dim):
    dim %= x.ndim
    return table(
        x.shape,
        lambda index: number(x, index) - math.log(total([math.exp(v) for v in line_through(x, index, dim)])),
    )


def softmax_cross_entropy(logits, target, *, dim):
    dim %= logits.ndim
    logs = log_softmax(logits, dim=dim)
    shape = logits.shape[:dim] + logits.shape[dim + 1 :]
    losses = table(
        shape,
        lambda place: (
            -total(
                [
                    number(target, (*place[:dim], i, *place[dim:])) * logs[(*place[:dim], i, *place[dim:])]
                    for i in range(logits.shape[dim])
                ]
            )
        ),
    )
    return losses, logs


def ratio_of_sums(x, weights):
    def sum_of(array):
        return total([number(array, index) for index in places(array.shape)])

    return table((), lambda index: sum_of(x) / sum_of(weights))


def one_hot_op(labels, *, num_classes, dim, ignore_index, dtype):
    axis = dim % (labels.ndim + 1)
    shape = (*labels.shape[:axis], num_classes, *labels.shape[axis:])

    def hit(index):
        label = number(labels, index[:axis] + index[axis + 1 :])
        return int(label == index[axis] and label != ignore_index)

    return table(shape, hit)


# --- movement -------------------------------------------------------------------------------------


def flat_position(shape, index):
    position = 0
    for size, place in zip(shape, index, strict=True):
        position = position * size + place
    return position


def reshape_op(x, *, shape):
    known = product([size for size in shape if size != -1])
    shape = tuple(x.size // known if size == -1 else size for size in shape)
    in_order = [number(x, index) for index in places(x.shape)]
    return table(shape, lambda index: in_order[flat_position(shape, index)])


def permute_op(x, *, dims):
    dims = [dim % x.ndim for dim in dims]

    def source(index):
        place = [0] * x.ndim
        for new, old in enumerate(dims):
            place[old] = index[new]
        return number(x, tuple(place))

    return table(tuple(x.shape[dim] for dim in dims), source)


def expand_op(x, *, shape):
    extra = len(shape) - x.ndim
    sizes = tuple(x.shape[axis - extra] if size == -1 else size for axis, size in enumerate(shape))
    return table(sizes, lambda index: number(x, stretched(x.shape, index)))


def sum_to(x, *, shape):
    result = table(shape, lambda index: 0)
    for index in places(x.shape):
        result[stretched(shape, index)] += number(x, index)
    return result


def flip(x, *, dims):
    axes = axes_of(dims, x.ndim)
    return table(
        x.shape,
        lambda index: number(
            x, tuple(x.shape[axis] - 1 - i if axis in axes else i for axis, i in enumerate(index))
        ),
    )


def concatenate(*tensors, dim):
    axis = dim % tensors[0].ndim
    owners = [(part, i) for part in tensors for i in range(part.shape[axis])]
    shape = (*tensors[0].shape[:axis], len(owners), *tensors[0].shape[axis + 1 :])

    def source(index):
        part, place = owners[index[axis]]
        return number(part, (*index[:axis], place, *index[axis + 1 :]))

    return table(shape, source)


def pad_constant(x, *, padding, value):
    shape = tuple(size + before + after for size, (before, after) in zip(x.shape, padding, strict=True))
    return table(shape, lambda index: read(x, [i - p[0] for i, p in zip(index, padding, strict=True)], value))


def read(x, index, outside=0.0):
    """An element, or `outside` where the index leaves the array."""
    inside = not [i for i, size in zip(index, x.shape, strict=True) if not 0 <= i < size]
    return number(x, tuple(index)) if inside else outside


# --- indexing -------------------------------------------------------------------------------------


def slice_places(shape, key):
    """For every place of x[key], in row-major order: (its index in the result, its index in x)."""
    ranges, kept, dim = [], [], 0
    for entry in key:
        if entry is None:
            kept.append(None)
            continue
        if isinstance(entry, int):
            ranges.append([entry % shape[dim]])
        else:
            ranges.append(list(range(shape[dim])[slice(*entry)]))
            kept.append(dim)
        dim += 1
    for rest in range(dim, len(shape)):
        ranges.append(list(range(shape[rest])))
        kept.append(rest)
    result_shape = tuple(1 if axis is None else len(ranges[axis]) for axis in kept)
    pairs = [
        (
            index,
            tuple(
                values[index[kept.index(axis)]] if axis in kept else values[0]
                for axis, values in enumerate(ranges)
            ),
        )
        for index in places(result_shape)
    ]
    return result_shape, pairs


def slice_view(x, *, key):
    shape, pairs = slice_places(x.shape, key)
    source = dict(pairs)
    return table(shape, lambda index: number(x, source[index]))


def slice_put(x, *, key, shape):
    result = table(shape, lambda index: 0)
    for index, place in slice_places(shape, key)[1]:
        result[place] = number(x, index)
    return result


def take_places(shape, indices, key):
    """For every place of x[key] with index arrays: (its index in the result, its index in x)."""
    picks = common_shape(*[index.shape for index in indices])
    positions = [position for position, entry in enumerate(key) if entry == "pick"]
    together = positions[-1] - positions[0] == len(positions) - 1
    # A slice view with one stand-in index for every picked dimension tells where the others go.
    template = tuple(0 if entry == "pick" else entry for entry in key)
    rest_shape, pairs = slice_places(shape, template)
    picked_dims = [
        position - len([entry for entry in key[:position] if entry is None]) for position in positions
    ]
    front = 0 if not together else positions[0]
    result_shape = (*rest_shape[:front], *picks, *rest_shape[front:])
    found = []
    for pick in places(picks):
        for rest, place in pairs:
            target = list(place)
            for dim, index in zip(picked_dims, indices, strict=True):
                target[dim] = number(index, stretched(index.shape, pick)) % shape[dim]
            found.append(((*rest[:front], *pick, *rest[front:]), tuple(target)))
    return result_shape, found


def take(x, *indices, key):
    shape, pairs = take_places(x.shape, indices, key)
    source = dict(pairs)
    return table(shape, lambda index: number(x, source[index]))


def put_add(x, *indices, key, shape):
    result = table(shape, lambda index: 0)
    for index, place in take_places(shape, indices, key)[1]:
        result[place] += number(x, index)
    return result


def gather(x, index, *, dim):
    dim %= x.ndim
    return table(
        index.shape, lambda place: number(x, (*place[:dim], number(index, place), *place[dim + 1 :]))
    )


def scatter_add(x, index, src, *, dim):
    dim %= x.ndim
    result = table(x.shape, lambda place: number(x, place))
    for place in places(index.shape):
        result[(*place[:dim], number(index, place), *place[dim + 1 :])] += number(src, place)
    return result


def sort(x, *, dim, descending):
    dim %= max(x.ndim, 1)
    orders = {}

    def order(index):
        line = (*index[:dim], 0, *index[dim + 1 :])
        if line not in orders:
            values = line_through(x, line, dim)
            key = (lambda i: -values[i]) if descending else (lambda i: values[i])
            orders[line] = sorted(range(len(values)), key=key)  # stable: equal ones keep their order
        return orders[line][index[dim]]

    places_of = table(x.shape, order)
    return table(
        x.shape, lambda index: number(x, (*index[:dim], places_of[index], *index[dim + 1 :]))
    ), places_of


def matmul(x, y):
    left = x.shape if x.ndim > 1 else (1, *x.shape)
    right = y.shape if y.ndim > 1 else (*y.shape, 1)
    stack = common_shape(left[:-2], right[:-2]) if left[:-2] or right[:-2] else ()

    def entry(index):
        batch, i, j = index[: len(stack)], index[len(stack)], index[len(stack) + 1]
        own_x, own_y = stretched(left[:-2], batch), stretched(right[:-2], batch)
        return total(
            [
                number(x, (*own_x, i, k) if x.ndim > 1 else (k,))
                * number(y, (*own_y, k, j) if y.ndim > 1 else (k,))
                for k in range(left[-1])
            ]
        )

    full = table((*stack, left[-2], right[-1]), entry)
    shape = stack + ((left[-2],) if x.ndim > 1 else ()) + ((right[-1],) if y.ndim > 1 else ())
    return full.reshape(shape)


# --- windows --------------------------------------------------------------------------------------


def cell(place, offset, stride, padding, dilation):
    """Where a cell of a window lies in the image; may be outside."""
    return tuple(
        p * s - before + o * d
        for p, o, s, (before, _), d in zip(place, offset, stride, padding, dilation, strict=True)
    )


def out_size(size, kernel, stride, padding, dilation, ceil_mode=False):
    """Count the windows by sliding one along until it no longer fits."""
    windows, start, end = 0, -padding[0], size + padding[1]
    while True:
        last = start + (kernel - 1) * dilation
        hangs_over = ceil_mode and windows > 0 and start - stride + (kernel - 1) * dilation < end - 1
        if not (last < end or (hangs_over and start < size)):
            return windows
        windows, start = windows + 1, start + stride


def out_sizes(spatial, kernel, stride, padding, dilation, ceil_mode=False):
    return tuple(
        out_size(*one, ceil_mode) for one in zip(spatial, kernel, stride, padding, dilation, strict=True)
    )


def conv_terms(n, channels, size, filters, kernel, out, groups, **window):
    """Every (image place, kernel place, output place) whose product is one term of a convolution."""
    per_group, filters_per_group = channels // groups, filters // groups
    for b, o, c in itertools.product(range(n), range(filters), range(per_group)):
        channel = o // filters_per_group * per_group + c
        for place, offset in itertools.product(places(out), places(kernel)):
            where = cell(place, offset, **window)
            if not [i for i, s in zip(where, size, strict=True) if not 0 <= i < s]:
                yield (b, channel, *where), (o, c, *offset), (b, o, *place)


def conv(x, w, *, stride, padding, dilation, groups):
    out = out_sizes(x.shape[2:], w.shape[2:], stride, padding, dilation)
    result = table((x.shape[0], w.shape[0], *out), lambda index: 0)
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    for at_x, at_w, at_out in conv_terms(
        *x.shape[:2], x.shape[2:], w.shape[0], w.shape[2:], out, groups, **window
    ):
        result[at_out] += number(x, at_x) * number(w, at_w)
    return result


def conv_input_grad(grad, w, *, size, stride, padding, dilation, groups):
    channels = w.shape[1] * groups
    result = table((grad.shape[0], channels, *size), lambda index: 0)
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    for at_x, at_w, at_out in conv_terms(
        grad.shape[0], channels, size, w.shape[0], w.shape[2:], grad.shape[2:], groups, **window
    ):
        result[at_x] += number(grad, at_out) * number(w, at_w)
    return result


def conv_weight_grad(x, grad, *, kernel_size, stride, padding, dilation, groups):
    filters = grad.shape[1]
    result = table((filters, x.shape[1] // groups, *kernel_size), lambda index: 0)
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    for at_x, at_w, at_out in conv_terms(
        *x.shape[:2], x.shape[2:], filters, kernel_size, grad.shape[2:], groups, **window
    ):
        result[at_w] += number(x, at_x) * number(grad, at_out)
    return result


def max_pool(x, *, kernel_size, stride, padding, dilation, ceil_mode):
    out = out_sizes(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)

    def best(index):
        """(value, position in the window): the first of equals, NaN over everything, never the padding."""
        found = None
        for position, offset in enumerate(places(kernel_size)):
            where = cell(index[2:], offset, stride, padding, dilation)
            value = read(x[index[:2]], where, None)
            if value is None:
                continue
            if found is None or value > found[0] or (math.isnan(value) and not math.isnan(found[0])):
                found = (value, position)
        return found

    winners = table((*x.shape[:2], *out), best)
    return (
        table(winners.shape, lambda index: winners[index][0]),
        table(winners.shape, lambda index: winners[index][1]),
    )


def winner_place(winner, index, kernel_size, **window):
    offset = list(places(kernel_size))[number(winner, index)]
    return (*index[:2], *cell(index[2:], offset, **window))


def max_pool_scatter(grad, winner, *, size, **window):
    result = table((*grad.shape[:2], *size), lambda index: 0)
    for index in places(grad.shape):
        result[winner_place(winner, index, **window)] += number(grad, index)
    return result


def max_pool_gather(x, winner, **window):
    return table(winner.shape, lambda index: number(x, winner_place(winner, index, **window)))


def sum_pool(x, *, kernel_size, stride, padding, ceil_mode):
    ones = (1,) * len(kernel_size)
    out = out_sizes(x.shape[2:], kernel_size, stride, padding, ones, ceil_mode)
    return table(
        (*x.shape[:2], *out),
        lambda index: total(
            [
                read(x[index[:2]], cell(index[2:], offset, stride, padding, ones))
                for offset in places(kernel_size)
            ]
        ),
    )


def sum_pool_input_grad(grad, *, size, kernel_size, stride, padding, ceil_mode):
    ones = (1,) * len(kernel_size)
    result = table((*grad.shape[:2], *size), lambda index: 0)
    for index in places(grad.shape):
        for offset in places(kernel_size):
            where = cell(index[2:], offset, stride, padding, ones)
            if not [i for i, s in zip(where, size, strict=True) if not 0 <= i < s]:
                result[(*index[:2], *where)] += number(grad, index)
    return result


# --- batch normalization --------------------------------------------------------------------------


def channel_values(x, channel):
    return [number(x, index) for index in places(x.shape) if index[1] == channel]


def batch_norm(x, weight, bias, *, eps):
    means = [mean(channel_values(x, c)) for c in range(x.shape[1])]
    variances = [var(channel_values(x, c), correction=0) for c in range(x.shape[1])]

    def normalized(index):
        c = index[1]
        scaled = (number(x, index) - means[c]) / math.sqrt(variances[c] + eps)
        return scaled * number(weight, (c,)) + number(bias, (c,))

    return table(x.shape, normalized), np.array(means), np.array(variances)


def batch_norm_grad(g, x, weight, mean, var, *, eps):
    def scaled(index):
        return (number(x, index) - number(mean, (index[1],))) / math.sqrt(number(var, (index[1],)) + eps)

    normalized = table(x.shape, scaled)
    product_of_both = table(x.shape, lambda index: number(g, index) * normalized[index])
    n = x.size // x.shape[1]
    bias_grad = [total(channel_values(g, c)) for c in range(x.shape[1])]
    weight_grad = [
        total([product_of_both[index] for index in places(x.shape) if index[1] == c])
        for c in range(x.shape[1])
    ]

    def x_grad(index):
        c = index[1]
        inner = number(g, index) - bias_grad[c] / n - normalized[index] * weight_grad[c] / n
        return number(weight, (c,)) / math.sqrt(number(var, (c,)) + eps) * inner

    return table(x.shape, x_grad), np.array(weight_grad), np.array(bias_grad)


# --- randomness and state -------------------------------------------------------------------------


def philox(seed, counter):
    """One block of Philox4x32-10 by its definition, in Python's integers: four 32-bit words."""
    low = 2**32 - 1
    words = [counter & low, counter >> 32 & low, counter >> 64 & low, counter >> 96]
    key = [seed & low, seed >> 32]
    for _ in range(10):
        first, second = words[0] * 0xD2511F53, words[2] * 0xCD9E8D57
        words = [second >> 32 ^ words[1] ^ key[0], second & low, first >> 32 ^ words[3] ^ key[1], first & low]
        key = [key[0] + 0x9E3779B9 & low, key[1] + 0xBB67AE85 & low]
    return words


def random_words(state, n):
    seed, counter = number(state, (0,)), number(state, (1,))
    return [word for block in range(-(-n // 4)) for word in philox(seed, counter + block)][:n]


def random_mask(state, *, shape, p):
    words = random_words(state, product(shape))
    return table(shape, lambda index: words[flat_position(shape, index)] < p * 2**32)


def random_uniform(state, *, shape, dtype):
    assert dtype.name == "float32"
    words = random_words(state, product(shape))
    return table(shape, lambda index: (words[flat_position(shape, index)] >> 8) / 2**24)


def assign_op(target, value):
    return table(value.shape, lambda index: number(value, index))


REFERENCES = {
    **{name: elementwise(function) for name, function in ELEMENTWISE.items()},
    **{name: reduction(function) for name, function in REDUCTIONS.items()},
    **{
        function.__name__: function
        for function in (
            assign_op,
            batch_norm,
            batch_norm_grad,
            concatenate,
            conv,
            conv_input_grad,
            conv_weight_grad,
            expand_op,
            flip,
            gather,
            log_softmax,
            matmul,
            max_along,
            max_pool,
            max_pool_gather,
            max_pool_scatter,
            min_along,
            one_hot_op,
            pad_constant,
            permute_op,
            products_of_others,
            put_add,
            random_mask,
            random_uniform,
            ratio_of_sums,
            reshape_op,
            scatter_add,
            slice_put,
            slice_view,
            softmax_cross_entropy,
            sort,
            sum_pool,
            sum_pool_input_grad,
            sum_to,
            take,
        )
    },
}
