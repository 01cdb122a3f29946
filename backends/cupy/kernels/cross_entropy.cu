// Softmax and cross-entropy of each row of scores, and the gradient: one warp a row.
//
// The 32 threads of a warp share a row: thread ("lane") 0 takes classes 0, 32, 64, ..., lane 1 takes 1, 33,
// ..., and what they found is put together by shuffles, with which a thread reads a variable of another
// thread of its warp. In five steps (halves of 16, 8, 4, 2, 1) all 32 know the total, always added in the
// same order.
//
// A row runs along one dimension of an array; its numbers are `inner` apart, because `inner` rows lie
// interleaved (1 for an array (N, classes); H · W for the scores of every pixel, (N, classes, H, W)).

#include "common.cuh"

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xFFFFFFFFu;  // all of them take part in a shuffle

// NaN may get lost here: it comes through in the sum of the powers, whatever they are shifted by.
template <typename T>
__device__ T larger(T a, T b) {
    return a > b ? a : b;
}

template <typename T>
__device__ T warp_max(T value) {
    for (int half = WARP / 2; half > 0; half /= 2)
        value = larger(value, __shfl_xor_sync(ALL_LANES, value, half));
    return value;
}

template <typename T>
__device__ T warp_sum(T value) {
    for (int half = WARP / 2; half > 0; half /= 2) value += __shfl_xor_sync(ALL_LANES, value, half);
    return value;
}

// The row of this warp: blocks are 32 threads wide and several rows high.
__device__ long long row_of_warp() {
    return (long long)blockIdx.x * blockDim.y + threadIdx.y;
}

// Where a row begins.
__device__ long long start_of(long long row, long long classes, long long inner) {
    return row / inner * classes * inner + row % inner;
}

// ln softmax of each row and its cross-entropy with the target probabilities. Shifted by the largest score,
// so that no power overflows and their sum is at least 1.
template <typename T>
__global__ void cross_entropy(const T* logits, const T* target, long long rows, long long classes,
                              long long inner, T* loss, T* log_probabilities) {
    const long long row = row_of_warp();
    if (row >= rows) return;  // the whole warp: a shuffle with lanes that left would wait for ever
    const long long start = start_of(row, classes, inner);
    T peak = logits[start];
    for (long long k = threadIdx.x; k < classes; k += WARP) peak = larger(peak, logits[start + k * inner]);
    peak = warp_max(peak);

    T sum = 0;
    for (long long k = threadIdx.x; k < classes; k += WARP) sum += exp(logits[start + k * inner] - peak);
    const T log_sum = log(warp_sum(sum));

    T total = 0;
    for (long long k = threadIdx.x; k < classes; k += WARP) {
        const long long at = start + k * inner;
        const T log_probability = logits[at] - peak - log_sum;
        log_probabilities[at] = log_probability;
        // A class of probability 0 adds nothing, also where its log-probability is -infinity.
        if (target[at] != 0) total += target[at] * log_probability;
    }
    total = warp_sum(total);
    if (threadIdx.x == 0) loss[row] = 0 - total;  // not -total, which can be -0
}

// The gradient of the loss with respect to the scores: g · (softmax · Σ target − target).
template <typename T>
__global__ void cross_entropy_grad(const T* g, const T* target, const T* log_probabilities, long long rows,
                                   long long classes, long long inner, T* logits_grad) {
    const long long row = row_of_warp();
    if (row >= rows) return;
    const long long start = start_of(row, classes, inner);
    T total = 0;
    for (long long k = threadIdx.x; k < classes; k += WARP) total += target[start + k * inner];
    total = warp_sum(total);
    for (long long k = threadIdx.x; k < classes; k += WARP) {
        const long long at = start + k * inner;
        logits_grad[at] = g[row] * (exp(log_probabilities[at]) * total - target[at]);
    }
}
