// Pooling of images: the largest number or the sum under each window, and the gradients of both.
//
// One thread makes one number of the result, whatever the direction. Going back, that is the number of a
// pixel: where windows overlap, its thread visits the windows that saw it and adds up what they have for it.
// The other way round, one thread a window, threads would have to add into the same pixel at once.

#include "windows.cuh"

// ---- max pooling -----------------------------------------------------------------------------------------

// The largest number under each window and the cell it stood in. The first of equals wins, NaN wins over
// everything, and padding never does; a window on padding only gives -infinity.
template <typename Stored, typename Winner, typename Index>
__global__ void max_pool(const Stored* x, Strides<Index> x_strides, Stored* out, Winner* winner,
                         Windows<Index> w) {
    using T = Math<Stored>;
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
    out[i] = Stored(best);
    winner[i] = Winner(best_cell);
}

// The gradient of max pooling: every pixel sums the gradients of the windows that it won.
template <typename Stored, typename Winner, typename Index>
__global__ void max_pool_scatter(const Stored* grad, Strides<Index> grad_strides, const Winner* winner,
                                 Strides<Index> winner_strides, Stored* image, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.pixels()) return;
    Math<Stored> sum = 0;
    for_each_window_over(w.pixel(i), w, [&](Place<Index> out, Index ky, Index kx) {
        if (Index(winner[offset(winner_strides, out)]) == ky * w.kernel_width + kx)
            sum += grad[offset(grad_strides, out)];
    });
    image[i] = Stored(sum);
}

// The gradient of that: what stands in x at the winner of each window, and 0 where that is padding.
template <typename Stored, typename Winner, typename Index>
__global__ void max_pool_gather(const Stored* x, Strides<Index> x_strides, const Winner* winner,
                                Strides<Index> winner_strides, Stored* out, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.outputs()) return;
    const Place<Index> place = w.output(i);
    const Index cell = Index(winner[offset(winner_strides, place)]);
    const bool is_cell = 0 <= cell && cell < w.kernel_height * w.kernel_width;
    const Place<Index> pixel = w.under(place, cell / w.kernel_width, cell % w.kernel_width);
    out[i] = is_cell && w.is_real(pixel) ? x[offset(x_strides, pixel)] : Stored(0);
}

// ---- sum pooling (average pooling is a sum and a division) -----------------------------------------------

template <typename Stored, typename Index>
__global__ void sum_pool(const Stored* x, Strides<Index> x_strides, Stored* out, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.outputs()) return;
    const Place<Index> place = w.output(i);
    Math<Stored> sum = 0;
    for (Index ky = 0; ky < w.kernel_height; ++ky) {
        for (Index kx = 0; kx < w.kernel_width; ++kx) {
            const Place<Index> pixel = w.under(place, ky, kx);
            if (w.is_real(pixel)) sum += x[offset(x_strides, pixel)];
        }
    }
    out[i] = Stored(sum);
}

// The gradient of sum pooling: every pixel sums the gradients of all windows that saw it.
template <typename Stored, typename Index>
__global__ void sum_pool_input_grad(const Stored* grad, Strides<Index> grad_strides, Stored* image,
                                    Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.pixels()) return;
    Math<Stored> sum = 0;
    for_each_window_over(w.pixel(i), w, [&](Place<Index> out, Index, Index) {
        sum += grad[offset(grad_strides, out)];
    });
    image[i] = Stored(sum);
}
