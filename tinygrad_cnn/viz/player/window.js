// The sliding window of a convolution, forward and in both gradients.
//
// A convolution and its two gradients are three faces of one sum of products. With p a place in the output,
// k a place in the kernel, and i = p · stride + k · dilation − padding the place in the image under it:
//
//     out:  out[n, o, p] = Σ over c and k of  x[n, c, i] · w[o, c, k]      the kernel slides over the image
//     x:    ∂L/∂x[n, c, i] = Σ over o and k of  g[n, o, p] · w[o, c, k]    rotated, it slides over the gradient
//     w:    ∂L/∂w[o, c, k] = Σ over n and p of  x[n, c, i] · g[n, o, p]    the gradient slides over the image
//
// Each face is put in the same words: a field, a pattern that slides over it, and a row of products for every
// channel, filter or image that is summed over. One-dimensional convolutions have one row of numbers.

const MOST_SIDE = 14; // of a field that is still drawn with its numbers

// For each operation, what is computed forward and for the gradient of each input: the face, and where its
// x, w and g come from: an input of the operation, or the gradient that it was given.
const FACES = {
  conv: {
    forward: ["out", { x: "x", w: "w" }],
    x: ["x", { g: "given", w: "w" }],
    w: ["w", { x: "x", g: "given" }],
  },
  conv_input_grad: {
    forward: ["x", { g: "grad", w: "w" }],
    grad: ["out", { x: "given", w: "w" }],
    w: ["w", { x: "given", g: "grad" }],
  },
  conv_weight_grad: {
    forward: ["w", { x: "x", g: "grad" }],
    x: ["x", { g: "grad", w: "given" }],
    grad: ["out", { x: "x", w: "given" }],
  },
};

/** An array of (N, C, H, W), or of (N, C, L) as (N, C, 1, L), to be asked for its numbers. */
function grid(value) {
  const shape = value.shape.length === 3 ? [...value.shape.slice(0, 2), 1, value.shape[2]] : value.shape;
  const [, b, c, d] = shape;
  return { shape, at: (i, j, k, l) => numeric(value.data[((i * b + j) * c + k) * d + l]) };
}

/** The parameters of a window with two spatial dimensions. */
function inTwoDimensions(params) {
  const { stride, padding, dilation, groups } = params;
  const isLine = stride.length === 1;
  return {
    stride: isLine ? [1, ...stride] : stride,
    padding: isLine ? [[0, 0], ...padding] : padding,
    dilation: isLine ? [1, ...dilation] : dilation,
    groups,
  };
}

// --- the three faces, in the same words -------------------------------------------------------------
//
// Each gives: the names of field, pattern and result; how many rows of products are summed, and what one is
// called; the size of the pattern; per dimension from where up to where the field goes, frame included;
//   field(row, index, y, x)     the number there, or null in the frame
//   pattern(row, index, k, l)   the number that slides
//   place(index, k, l)          where in the field that number lies, for one index of the result

function slideForward({ x, w }, { stride, padding, dilation, groups }) {
  const [filters, channels, ...size] = w.shape;
  const group = (o) => Math.floor(o / (filters / groups));
  return {
    names: ["x", "w", "out"],
    rows: channels,
    rowName: "channel",
    size,
    ranges: framed(x, padding),
    field: (row, [n, o], y, z) => numberAt(x, n, group(o) * channels + row, y, z),
    pattern: (row, [, o], k, l) => w.at(o, row, k, l),
    place: ([, , p, q], k, l) => [
      p * stride[0] + k * dilation[0] - padding[0][0],
      q * stride[1] + l * dilation[1] - padding[1][0],
    ],
  };
}

function slideForImage({ g, w }, { stride, padding, dilation, groups }, resultShape) {
  const [allFilters, channels, ...size] = w.shape;
  const filters = allFilters / groups;
  const filter = (row, c) => Math.floor(c / channels) * filters + row;
  // How far the rotated kernel reaches beyond the gradient.
  const reach = size.map((k, axis) => (k - 1) * dilation[axis] - padding[axis][0]);
  const ranges = size.map((k, axis) => ({
    from: Math.min(0, -reach[axis]),
    to: Math.max((g.shape[2 + axis] - 1) * stride[axis] + 1,
      resultShape[2 + axis] + (k - 1) * dilation[axis] - reach[axis]),
  }));
  return {
    names: ["g", "w, rotated by 180°", "∂L/∂x"],
    rows: filters,
    rowName: "filter",
    size,
    ranges,
    // With a stride, nothing stands between the numbers of g.
    field: (row, [n, c], y, z) => y % stride[0] || z % stride[1]
      ? null
      : numberAt(g, n, filter(row, c), y / stride[0], z / stride[1]),
    pattern: (row, [, c], k, l) => w.at(filter(row, c), c % channels, size[0] - 1 - k, size[1] - 1 - l),
    place: ([, , i, j], k, l) => [i + k * dilation[0] - reach[0], j + l * dilation[1] - reach[1]],
  };
}

function slideForKernel({ x, g }, { stride, padding, dilation, groups }, [filters, channels]) {
  const group = (o) => Math.floor(o / (filters / groups));
  return {
    names: ["x", "g", "∂L/∂w"],
    rows: x.shape[0],
    rowName: "image",
    size: g.shape.slice(2),
    ranges: framed(x, padding),
    field: (row, [o, c], y, z) => numberAt(x, row, group(o) * channels + c, y, z),
    pattern: (row, [o], p, q) => g.at(row, o, p, q),
    place: ([, , k, l], p, q) => [
      k * dilation[0] + p * stride[0] - padding[0][0],
      l * dilation[1] + q * stride[1] - padding[1][0],
    ],
  };
}

const SLIDES = { out: slideForward, x: slideForImage, w: slideForKernel };

function framed(image, padding) {
  return padding.map(([before, after], axis) => ({ from: -before, to: image.shape[2 + axis] + after }));
}

function numberAt(array, i, j, y, z) {
  const isInside = y >= 0 && z >= 0 && y < array.shape[2] && z < array.shape[3];
  return isInside ? array.at(i, j, y, z) : null;
}

// --- one number of the result -----------------------------------------------------------------------

/** Its rows of products, each with what it was made of, and the sum. */
function productsAt(sliding, index) {
  const [height, width] = sliding.size;
  const rows = Array.from({ length: sliding.rows }, (_, row) => {
    const pattern = matrix(height, width, (k, l) => sliding.pattern(row, index, k, l));
    const products = matrix(height, width, (k, l) =>
      pattern[k][l] * (sliding.field(row, index, ...sliding.place(index, k, l)) ?? 0));
    return { pattern, products, sum: products.flat().reduce((sum, each) => sum + each, 0) };
  });
  return { rows, sum: rows.reduce((sum, row) => sum + row.sum, 0) };
}

/** One row's field as rows of numbers, frame included, and which of its cells lie under the pattern. */
function fieldAt(sliding, row, index) {
  const [down, across] = sliding.ranges;
  const [height, width] = sliding.size;
  const under = new Set(matrix(height, width, (k, l) => {
    const [y, z] = sliding.place(index, k, l);
    return `${y - down.from},${z - across.from}`;
  }).flat());
  const numbers = matrix(down.to - down.from, across.to - across.from, (y, z) =>
    sliding.field(row, index, y + down.from, z + across.from));
  return { numbers, isUnder: (y, z) => under.has(`${y},${z}`) };
}

function matrix(height, width, numberOf) {
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, z) => numberOf(y, z)));
}

/**
 * The sliding window of a step, if it is a convolution's and its arrays are small and all here; else null.
 * @param {object} operation the node that is computed or that sends a gradient
 * @param {string} wanted "forward", or the argument whose gradient it is
 * @param {Map} inputs values by argument; "given" is the gradient that the operation was given
 * @param {object} value what came out
 */
function slidingWindow(operation, wanted, inputs, value) {
  const [face, sources] = FACES[operation.op]?.[wanted] ?? [];
  if (!face) return null;
  const needed = [value, ...Object.values(sources).map((source) => inputs.get(source))];
  if (!needed.every((array) => array?.data?.length && array.shape.length <= 4)) return null;
  const arrays = Object.fromEntries(Object.entries(sources).map(([name, from]) => [name, grid(inputs.get(from))]));
  const result = grid(value);
  const sliding = SLIDES[face](arrays, inTwoDimensions(operation.params), result.shape);
  const sides = [...sliding.ranges.map(({ from, to }) => to - from), ...sliding.size, ...result.shape.slice(2)];
  return sides.every((side) => side <= MOST_SIDE) ? { sliding, result } : null;
}
