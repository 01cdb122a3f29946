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

// ---- a row -----------------------------------------------------------------------------------------------
//
// What a row should be is asked by target(k, at), the probability of class k, where `at` is its place in memory.

// ln softmax of a row and its cross-entropy with the target. Shifted by the largest score, so that no power
// overflows and their sum is at least 1.
template <typename Stored, typename Target>
__device__ void loss_of_row(const Stored* logits, Target target, long long row, long long classes,
                            long long inner, Stored* loss, Stored* log_probabilities) {
    using T = Math<Stored>;
    const long long start = start_of(row, classes, inner);
    T peak = logits[start];
    for (long long k = threadIdx.x; k < classes; k += WARP) peak = larger(peak, T(logits[start + k * inner]));
    peak = warp_max(peak);

    T sum = 0;
    for (long long k = threadIdx.x; k < classes; k += WARP) sum += exp(logits[start + k * inner] - peak);
    const T log_sum = log(warp_sum(sum));

    T total = 0;
    for (long long k = threadIdx.x; k < classes; k += WARP) {
        const long long at = start + k * inner;
        const T log_probability = logits[at] - peak - log_sum, wanted = target(k, at);
        log_probabilities[at] = Stored(log_probability);
        // A class of probability 0 adds nothing, also where its log-probability is -infinity.
        if (wanted != 0) total += wanted * log_probability;
    }
    total = warp_sum(total);
    if (threadIdx.x == 0) loss[row] = Stored(0 - total);  // not -total, which can be -0
}

// The gradient with respect to its scores: g · (softmax · Σ target − target).
template <typename Stored, typename Target>
__device__ void gradient_of_row(Math<Stored> g, Target target, const Stored* log_probabilities, long long row,
                                long long classes, long long inner, Stored* logits_grad) {
    using T = Math<Stored>;
    const long long start = start_of(row, classes, inner);
    T total = 0;
    for (long long k = threadIdx.x; k < classes; k += WARP) total += target(k, start + k * inner);
    total = warp_sum(total);
    for (long long k = threadIdx.x; k < classes; k += WARP) {
        const long long at = start + k * inner;
        logits_grad[at] = Stored(g * (exp(T(log_probabilities[at])) * total - target(k, at)));
    }
}

// ---- targets are probabilities ---------------------------------------------------------------------------

template <typename Stored>
__global__ void cross_entropy(const Stored* logits, const Stored* target, long long rows, long long classes,
                              long long inner, Stored* loss, Stored* log_probabilities) {
    const long long row = row_of_warp();
    if (row >= rows) return;  // the whole warp: a shuffle with lanes that left would wait for ever
    const auto wanted = [&](long long, long long at) { return Math<Stored>(target[at]); };
    loss_of_row(logits, wanted, row, classes, inner, loss, log_probabilities);
}

template <typename Stored>
__global__ void cross_entropy_grad(const Stored* g, const Stored* target, const Stored* log_probabilities,
                                   long long rows, long long classes, long long inner, Stored* logits_grad) {
    const long long row = row_of_warp();
    if (row >= rows) return;
    const auto wanted = [&](long long, long long at) { return Math<Stored>(target[at]); };
    gradient_of_row(g[row], wanted, log_probabilities, row, classes, inner, logits_grad);
}

// ---- targets are labels, and the result is the mean ------------------------------------------------------
//
// A label stands for a target of 1 at one class and 0 at all others, which nobody has to write down. Rows whose
// label is `ignored` count nothing, nor do those whose label names no class; but of these somebody is told.

__device__ bool names_a_class(long long label, long long classes) {
    return label >= 0 && label < classes;
}

template <typename T, typename Label>
__global__ void label_losses(const T* logits, const Label* labels, long long ignored, long long rows,
                             long long classes, long long inner, T* loss, T* log_probabilities) {
    const long long row = row_of_warp();
    if (row >= rows) return;
    const Label label = labels[row];
    const auto wanted = [&](long long k, long long) { return T(k == label && label != ignored); };
    loss_of_row(logits, wanted, row, classes, inner, loss, log_probabilities);
}

constexpr int MEAN_THREADS = 256;  // THREADS in launch.py

// The mean of the losses that count, how many these are, and whether some label is wrong. By one block, whose
// threads put together what they found in a tree, always in the same order; the mean of nothing is NaN.
template <typename T, typename Label>
__global__ void mean_of_losses(const T* loss, const Label* labels, long long ignored, long long rows,
                               long long classes, T* mean, T* counted, bool* is_wrong) {
    __shared__ double sums[MEAN_THREADS];
    __shared__ long long counts[MEAN_THREADS], wrongs[MEAN_THREADS];
    const unsigned me = threadIdx.x;
    sums[me] = counts[me] = wrongs[me] = 0;
    for (long long row = me; row < rows; row += MEAN_THREADS) {
        if (labels[row] == ignored) continue;
        const bool is_class = names_a_class(labels[row], classes);
        sums[me] += loss[row];
        counts[me] += is_class;
        wrongs[me] += !is_class;
    }
    for (unsigned half = MEAN_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (me >= half) continue;
        sums[me] += sums[me + half];
        counts[me] += counts[me + half];
        wrongs[me] += wrongs[me + half];
    }
    if (me > 0) return;
    *mean = T(sums[0] / double(counts[0]));
    *counted = T(counts[0]);
    *is_wrong = wrongs[0] > 0;
}

// The gradient of the mean with respect to the scores; 0 where there was nothing to take the mean of.
template <typename T, typename Label>
__global__ void label_losses_grad(const T* g, const T* counted, const Label* labels, long long ignored,
                                  const T* log_probabilities, long long rows, long long classes,
                                  long long inner, T* logits_grad) {
    const long long row = row_of_warp();
    if (row >= rows) return;
    const Label label = labels[row];
    const auto wanted = [&](long long k, long long) { return T(k == label && label != ignored); };
    const T share = *counted != 0 ? *g / *counted : T(0);
    gradient_of_row(share, wanted, log_probabilities, row, classes, inner, logits_grad);
}
