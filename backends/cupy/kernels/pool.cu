// Pooling of images: the largest number or the sum under each window, and the gradients of both.
//
// One thread makes one number of the result, whatever the direction. Going back, that is the number of a
// pixel: where windows overlap, its thread visits the windows that saw it and adds up what they have for it.
// The other way round, one thread a window, threads would have to add into the same pixel at once.

#include "common.cuh"

// How windows move over images. In pool.py, `WINDOWS` has the same fields in the same order.
template <typename Index>
struct Windows {
    Index images, channels, height, width;
    Index out_height, out_width;
    Index kernel_height, kernel_width;
    Index stride_height, stride_width;
    Index padding_top, padding_left;
    Index dilation_height, dilation_width;
    Index channels_last;  // how the result lies in memory

    __device__ Index outputs() const { return images * channels * out_height * out_width; }
    __device__ Index pixels() const { return images * channels * height * width; }

    __device__ Place<Index> output(Index i) const {
        return place_of(i, channels, out_height, out_width, channels_last);
    }
    __device__ Place<Index> pixel(Index i) const {
        return place_of(i, channels, height, width, channels_last);
    }

    // The pixel under cell (ky, kx) of the window that makes `out`; it may lie on the padding.
    __device__ Place<Index> under(Place<Index> out, Index ky, Index kx) const {
        return {out.n, out.c, out.h * stride_height - padding_top + ky * dilation_height,
                out.w * stride_width - padding_left + kx * dilation_width};
    }
    __device__ bool is_real(Place<Index> at) const {
        return 0 <= at.h && at.h < height && 0 <= at.w && at.w < width;
    }
};

// The windows along one dimension that see a pixel: those from `first` to `last` whose cells, `dilation`
// apart, hit it.
template <typename Index>
struct Seen {
    Index from_start, stride, dilation, first, last;

    __device__ Seen(Index at, Index padding, Index stride, Index kernel, Index dilation, Index windows)
        : from_start(at + padding), stride(stride), dilation(dilation) {
        const Index reach = dilation * (kernel - 1);
        first = from_start > reach ? (from_start - reach + stride - 1) / stride : 0;
        last = from_start / stride < windows ? from_start / stride : windows - 1;
    }
    // Which cell of that window lies on the pixel, or -1.
    __device__ Index cell(Index window) const {
        const Index distance = from_start - window * stride;
        return distance % dilation ? -1 : distance / dilation;
    }
};

// Calls visit(out, ky, kx) for every window that has cell (ky, kx) on this pixel. Later windows come first,
// so that cells come in ascending order: sums are rounded as those of the readable kernels are.
template <typename Index, typename Visit>
__device__ void for_each_window_over(Place<Index> pixel, Windows<Index> w, Visit visit) {
    const Seen<Index> rows(pixel.h, w.padding_top, w.stride_height, w.kernel_height, w.dilation_height,
                           w.out_height);
    const Seen<Index> columns(pixel.w, w.padding_left, w.stride_width, w.kernel_width, w.dilation_width,
                              w.out_width);
    for (Index y = rows.last; y >= rows.first; --y) {
        const Index ky = rows.cell(y);
        if (ky < 0) continue;
        for (Index x = columns.last; x >= columns.first; --x) {
            const Index kx = columns.cell(x);
            if (kx >= 0) visit(Place<Index>{pixel.n, pixel.c, y, x}, ky, kx);
        }
    }
}

// ---- max pooling -----------------------------------------------------------------------------------------

// The largest number under each window and the cell it stood in. The first of equals wins, NaN wins over
// everything, and padding never does; a window on padding only gives -infinity.
template <typename T, typename Winner, typename Index>
__global__ void max_pool(const T* x, Strides<Index> x_strides, T* out, Winner* winner, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.outputs()) return;  // the last block has threads to spare
    const Place<Index> place = w.output(i);
    T best = log(T(0));  // -infinity
    Index best_cell = 0;
    bool has_met = false;
    for (Index ky = 0; ky < w.kernel_height; ++ky) {
        for (Index kx = 0; kx < w.kernel_width; ++kx) {
            const Place<Index> pixel = w.under(place, ky, kx);
            if (!w.is_real(pixel)) continue;
            const T value = x[offset(x_strides, pixel)];
            const bool is_first_nan = value != value && best == best;  // only NaN differs from itself
            if (!has_met || value > best || is_first_nan) {
                best = value;
                best_cell = ky * w.kernel_width + kx;
            }
            has_met = true;
        }
    }
    out[i] = best;
    winner[i] = Winner(best_cell);
}

// The gradient of max pooling: every pixel sums the gradients of the windows that it won.
template <typename T, typename Winner, typename Index>
__global__ void max_pool_scatter(const T* grad, Strides<Index> grad_strides, const Winner* winner,
                                 Strides<Index> winner_strides, T* image, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.pixels()) return;
    T sum = 0;
    for_each_window_over(w.pixel(i), w, [&](Place<Index> out, Index ky, Index kx) {
        if (Index(winner[offset(winner_strides, out)]) == ky * w.kernel_width + kx)
            sum += grad[offset(grad_strides, out)];
    });
    image[i] = sum;
}

// The gradient of that: what stands in x at the winner of each window, and 0 where that is padding.
template <typename T, typename Winner, typename Index>
__global__ void max_pool_gather(const T* x, Strides<Index> x_strides, const Winner* winner,
                                Strides<Index> winner_strides, T* out, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.outputs()) return;
    const Place<Index> place = w.output(i);
    const Index cell = Index(winner[offset(winner_strides, place)]);
    const bool is_cell = 0 <= cell && cell < w.kernel_height * w.kernel_width;
    const Place<Index> pixel = w.under(place, cell / w.kernel_width, cell % w.kernel_width);
    out[i] = is_cell && w.is_real(pixel) ? x[offset(x_strides, pixel)] : T(0);
}

// ---- sum pooling (average pooling is a sum and a division) -----------------------------------------------

template <typename T, typename Index>
__global__ void sum_pool(const T* x, Strides<Index> x_strides, T* out, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.outputs()) return;
    const Place<Index> place = w.output(i);
    T sum = 0;
    for (Index ky = 0; ky < w.kernel_height; ++ky) {
        for (Index kx = 0; kx < w.kernel_width; ++kx) {
            const Place<Index> pixel = w.under(place, ky, kx);
            if (w.is_real(pixel)) sum += x[offset(x_strides, pixel)];
        }
    }
    out[i] = sum;
}

// The gradient of sum pooling: every pixel sums the gradients of all windows that saw it.
template <typename T, typename Index>
__global__ void sum_pool_input_grad(const T* grad, Strides<Index> grad_strides, T* image, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.pixels()) return;
    T sum = 0;
    for_each_window_over(w.pixel(i), w, [&](Place<Index> out, Index, Index) {
        sum += grad[offset(grad_strides, out)];
    });
    image[i] = sum;
}
