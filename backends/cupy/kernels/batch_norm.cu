// Batch normalization: statistics of each channel, the normalized numbers, and the gradients.
//
// Both directions take three kernels, because blocks cannot wait for each other:
//
//     ..._parts    each block sums up a part of some channels            (grid: channels × parts)
//     ..._finish   one block a channel puts the parts together           (grid: channels)
//     ..._apply    one thread a number uses what came out                (grid: all numbers)
//
// An array (N, C, *S) is seen as (images, channels, places). Blocks of the first kernel are `across` channels
// wide: 1 where the numbers of a channel lie side by side, up to 32 where channels do ("channels last"), so
// that the threads of a warp read neighbours either way.
//
// Images may be of 16-bit floats; vectors, one number a channel, are of what is computed in, Math<Stored>.
// What threads found is put together in float64, always in the same pairs and the same order, so that a run
// repeats itself bit for bit.

#include "common.cuh"

template <typename Index>
struct Strides3 {
    Index n, c, s;
};

// The array as its kernels see it. In normalize.py, `CHANNELS` has the same fields in the same order.
template <typename Index>
struct Channels {
    Index images, channels, places;
    Index channels_last;  // how results lie in memory

    __device__ Index size() const { return images * channels * places; }
    // Where number i of a result, counted as they lie in memory, stands in another array, and its channel.
    __device__ Index channel(Index i) const { return channels_last ? i % channels : i / places % channels; }
    __device__ Index offset(Index i, Strides3<Index> strides) const {
        const Index c = channel(i);
        const Index s = channels_last ? i / channels % places : i % places;
        return i / (channels * places) * strides.n + c * strides.c + s * strides.s;
    }
};

constexpr int THREADS = 256;  // in a block, at most; THREADS in launch.py

// ---- sums by many threads --------------------------------------------------------------------------------

// How many numbers, their mean, and Σ (x − mean)²: accurate also where mean² is far above the variance.
struct Moments {
    double count, mean, squares;
};

// Of two groups together (Chan, Golub and LeVeque, 1979). Two empty groups would make 0/0.
__device__ Moments together(Moments a, Moments b) {
    if (b.count == 0) return a;
    const double count = a.count + b.count, apart = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + apart * share, a.squares + b.squares + apart * apart * a.count * share};
}

// Σ g and Σ g · x̂.
struct Sums {
    double g, g_normalized;
};

__device__ Sums together(Sums a, Sums b) {
    return {a.g + b.g, a.g_normalized + b.g_normalized};
}

// Puts together what the threads of a column of this block (same threadIdx.x) have; row 0 gets the result.
// A tree: the lower half takes over from the upper one, which halves the rows, until one is left. Every
// thread of the block has to come here, because all wait for each other at each level.
template <typename Part>
__device__ Part of_column(Part mine) {
    __shared__ Part parts[THREADS];
    const unsigned me = threadIdx.y * blockDim.x + threadIdx.x;
    parts[me] = mine;
    for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
        __syncthreads();  // what the level before has written can be read
        if (threadIdx.y < half) parts[me] = together(parts[me], parts[me + half * blockDim.x]);
    }
    return parts[me];
}

// Calls visit(n, s) for the places (n, s) of a channel that are this thread's.
template <typename Index, typename Visit>
__device__ void for_my_places(Channels<Index> shape, Visit visit) {
    const Index all = shape.images * shape.places, step = Index(gridDim.y) * blockDim.y;
    for (Index i = Index(blockIdx.y) * blockDim.y + threadIdx.y; i < all; i += step)
        visit(i / shape.places, i % shape.places);
}

template <typename Index>
__device__ Index my_channel() {
    return Index(blockIdx.x) * blockDim.x + threadIdx.x;
}

// Writes what the block found about its channels; parts is (grid.y, channels).
template <typename Index, typename Part>
__device__ void keep_part(Part part, Part* parts, Channels<Index> shape) {
    const Index c = my_channel<Index>();
    if (threadIdx.y == 0 && c < shape.channels) parts[Index(blockIdx.y) * shape.channels + c] = part;
}

// All parts of channel blockIdx.x together; of row 0 only.
template <typename Part>
__device__ Part of_all_parts(const Part* parts, long long n, long long channels) {
    Part mine = {};
    for (long long i = threadIdx.y; i < n; i += blockDim.y)
        mine = together(mine, parts[i * channels + blockIdx.x]);
    return of_column(mine);
}

// ---- forward ---------------------------------------------------------------------------------------------

template <typename Stored, typename Index>
__global__ void batch_norm_parts(const Stored* x, Strides3<Index> x_strides, Channels<Index> shape,
                                 Moments* parts) {
    using T = Math<Stored>;
    const Index c = my_channel<Index>();
    T count = 0, mean = 0, squares = 0;  // Welford's update: one number after the other, in one pass
    if (c < shape.channels) {
        for_my_places(shape, [&](Index n, Index s) {
            const T value = x[n * x_strides.n + c * x_strides.c + s * x_strides.s];
            const T apart = value - mean;
            count += 1;
            mean += apart / count;
            squares += apart * (value - mean);
        });
    }
    keep_part(of_column(Moments{count, mean, squares}), parts, shape);
}

template <typename T>
__global__ void batch_norm_finish(const Moments* parts, long long n, long long channels, T* mean, T* var) {
    const Moments all = of_all_parts(parts, n, channels);
    if (threadIdx.y != 0) return;
    mean[blockIdx.x] = T(all.mean);
    var[blockIdx.x] = T(all.count > 0 ? all.squares / all.count : 0);  // biased: divided by all, not all − 1
}

// (x − mean) / √(var + eps) · weight + bias; then + residual, where there is one, and the ReLU, if wanted.
template <typename Stored, typename Index>
__global__ void batch_norm_apply(const Stored* x, Strides3<Index> x_strides, const Stored* residual,
                                 Strides3<Index> residual_strides, const Math<Stored>* mean,
                                 const Math<Stored>* var, const Math<Stored>* weight,
                                 const Math<Stored>* bias, double eps, bool relu, Stored* out,
                                 Channels<Index> shape) {
    using T = Math<Stored>;
    const Index i = thread_number<Index>();
    if (i >= shape.size()) return;
    const Index c = shape.channel(i);
    const T inverse = T(1) / sqrt(var[c] + T(eps));
    T value = (x[shape.offset(i, x_strides)] - mean[c]) * inverse * weight[c] + bias[c];
    if (residual) value += residual[shape.offset(i, residual_strides)];
    out[i] = Stored(relu && value <= 0 ? T(0) : value);  // not `value > 0 ? ...`: NaN stays NaN
}

// ---- backward --------------------------------------------------------------------------------------------

// The gradient at number i: g itself, or, where the result went through a ReLU, only where that is not 0.
template <typename Stored, typename Index>
__device__ Math<Stored> slope(const Stored* g, Index g_at, const Stored* relu_out, Index out_at) {
    return !relu_out || Math<Stored>(relu_out[out_at]) != 0 ? g[g_at] : Stored(0);
}

template <typename Stored, typename Index>
__global__ void batch_norm_grad_parts(const Stored* g, Strides3<Index> g_strides, const Stored* x,
                                      Strides3<Index> x_strides, const Stored* relu_out,
                                      Strides3<Index> out_strides, const Math<Stored>* mean,
                                      const Math<Stored>* var, double eps, Channels<Index> shape,
                                      Sums* parts) {
    using T = Math<Stored>;
    const Index c = my_channel<Index>();
    Sums sums = {0, 0};
    if (c < shape.channels) {
        const T inverse = T(1) / sqrt(var[c] + T(eps));
        for_my_places(shape, [&](Index n, Index s) {
            const auto at = [&](Strides3<Index> by) { return n * by.n + c * by.c + s * by.s; };
            const T gradient = slope(g, at(g_strides), relu_out, at(out_strides));
            sums.g += gradient;
            sums.g_normalized += gradient * ((x[at(x_strides)] - mean[c]) * inverse);
        });
    }
    keep_part(of_column(sums), parts, shape);
}

template <typename T>
__global__ void batch_norm_grad_finish(const Sums* parts, long long n, long long channels, T* weight_grad,
                                       T* bias_grad) {
    const Sums all = of_all_parts(parts, n, channels);
    if (threadIdx.y != 0) return;
    weight_grad[blockIdx.x] = T(all.g_normalized);
    bias_grad[blockIdx.x] = T(all.g);
}

// weight / √(var + eps) · (g − avg(g) − x̂ · avg(g · x̂)); and g behind the ReLU, which is the gradient of
// the residual, if there is room for it.
template <typename Stored, typename Index>
__global__ void batch_norm_grad_apply(const Stored* g, Strides3<Index> g_strides, const Stored* x,
                                      Strides3<Index> x_strides, const Stored* relu_out,
                                      Strides3<Index> out_strides, const Math<Stored>* weight,
                                      const Math<Stored>* mean, const Math<Stored>* var,
                                      const Math<Stored>* weight_grad, const Math<Stored>* bias_grad,
                                      double eps, Channels<Index> shape, Stored* x_grad,
                                      Stored* residual_grad) {
    using T = Math<Stored>;
    const Index i = thread_number<Index>();
    if (i >= shape.size()) return;
    const Index c = shape.channel(i);
    const T inverse = T(1) / sqrt(var[c] + T(eps)), share = T(1.0 / (double(shape.images) * shape.places));
    const T gradient = slope(g, shape.offset(i, g_strides), relu_out, shape.offset(i, out_strides));
    const T normalized = (x[shape.offset(i, x_strides)] - mean[c]) * inverse;
    const T inner = gradient - bias_grad[c] * share - normalized * (weight_grad[c] * share);
    x_grad[i] = Stored(weight[c] * inverse * inner);
    if (residual_grad) residual_grad[i] = Stored(gradient);
}
