// A convolution as one large matrix product: windows become the rows of a matrix, and rows become images again.
//
// An output of a convolution is a window times a filter, summed up. With each window written out as a row, and
// each filter as a column, all outputs are one product of two matrices, which NVIDIA's library (cuBLAS) is very
// good at:
//
//     images (N, C, H, W)  ->  rows (windows, C · kernel_height · kernel_width)      im2col
//     rows @ filtersᵀ      ->  outputs (windows, filters)
//
// The price is memory: where windows overlap, a pixel is written as many times as windows see it. The gradient
// goes the other way: each pixel sums what the rows have at its copies (col2im).
//
// Within a row, numbers lie as those of a filter do: channel, then row, then column of the window. With groups
// there is a matrix for each, and rows hold the channels of that group only.

#include "windows.cuh"

// The number that stands at cell (ky, kx) of channel `in_group`, in the row of one window.
template <typename Index>
__device__ Index place_in_rows(Windows<Index> w, Index groups, Index group, Place<Index> window, Index in_group,
                               Index ky, Index kx) {
    const Index row = (window.n * w.out_height + window.h) * w.out_width + window.w;
    const Index windows = w.images * w.out_height * w.out_width;
    const Index channel = (group * windows + row) * (w.channels / groups) + in_group;
    return (channel * w.kernel_height + ky) * w.kernel_width + kx;
}

// One thread copies one number of the rows; neighbouring threads write neighbours.
template <typename Stored, typename Index>
__global__ void im2col(const Stored* x, Strides<Index> x_strides, Stored* rows, long long groups,
                       Windows<Index> w) {
    Index i = thread_number<Index>();
    if (i >= w.outputs() * w.kernel_height * w.kernel_width) return;
    const Index number = i, channels = w.channels / Index(groups);
    const Index kx = i % w.kernel_width;
    i /= w.kernel_width;
    const Index ky = i % w.kernel_height;
    i /= w.kernel_height;
    const Index in_group = i % channels;
    i /= channels;
    Place<Index> window;
    window.w = i % w.out_width, i /= w.out_width;
    window.h = i % w.out_height, i /= w.out_height;
    window.n = i % w.images;
    window.c = i / w.images * channels + in_group;
    const Place<Index> pixel = w.under(window, ky, kx);
    rows[number] = w.is_real(pixel) ? x[offset(x_strides, pixel)] : Stored(0.0f);
}

// One thread makes one pixel: the sum over all windows that see it of what their rows have for it. It could
// also be one thread for each number of the rows, adding to its pixel; then threads would have to take turns,
// and the order of additions would change from run to run.
template <typename Stored, typename Index>
__global__ void col2im(const Stored* rows, Stored* image, long long groups, Windows<Index> w) {
    const Index i = thread_number<Index>();
    if (i >= w.pixels()) return;
    const Place<Index> pixel = w.pixel(i);
    const Index channels = w.channels / Index(groups);
    const Index group = pixel.c / channels, in_group = pixel.c % channels;
    Math<Stored> sum = 0;
    for_each_window_over(pixel, w, [&](Place<Index> window, Index ky, Index kx) {
        sum += Math<Stored>(rows[place_in_rows(w, Index(groups), group, window, in_group, ky, kx)]);
    });
    image[i] = Stored(sum);
}
