// Windows that move over images: which pixels a window looks at, and, the other way round, which windows look
// at a pixel. Pooling and convolution both go by it.

#include "common.cuh"

// How windows move over images. In windows.py, `WINDOWS` has the same fields in the same order.
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
