// What follows a product of matrices or a convolution: a bias, a ReLU, and the way back through the ReLU.
//
// One thread a number, and hardly any arithmetic: these kernels last as long as memory takes to bring the
// numbers and fetch the results. That is why bias and ReLU are one kernel. The result may be written over what
// was read, because each thread only looks at its own number.

#include "common.cuh"

// Numbers as they lie in memory: `inner` of one channel, then `inner` of the next, and so on all over again.
// An image by rows has H · W neighbours of a channel; channels last, or in the rows of a matrix, it is 1.
template <typename Index>
struct Spread {
    Index size, channels, inner;
};

// x + bias, and then max(·, 0) if `relu`: not a number stays not a number.
template <typename Stored, typename Index>
__global__ void add_bias(const Stored* x, const Stored* bias, Spread<Index> over, bool relu, Stored* out) {
    const Index i = thread_number<Index>();
    if (i >= over.size) return;
    const Math<Stored> sum = Math<Stored>(x[i]) + Math<Stored>(bias[i / over.inner % over.channels]);
    out[i] = Stored(relu && sum <= 0 ? 0 : sum);
}

// The gradient of a ReLU: g where `out`, its result, is not 0.
template <typename Stored>
__global__ void relu_grad(const Stored* g, const Stored* out, long long size, Stored* x_grad) {
    const long long i = thread_number<long long>();
    if (i < size) x_grad[i] = Math<Stored>(out[i]) != 0 ? g[i] : Stored(0);
}
