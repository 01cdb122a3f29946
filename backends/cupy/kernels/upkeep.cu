// Small things that every layer needs in every step, done for many layers in one launch.
//
// A layer's running statistics are a few dozen numbers, and the count of its batches is one: a kernel for each
// would take longer to start than to run. As in optimizer.cu, addresses come as an argument, and blocks with
// the same blockIdx.y share one array.

#include "common.cuh"

constexpr int MOST_ARRAYS = 64;  // in a launch: a kernel's arguments have to fit into 4 KiB

// Copies by rows of dense arrays, which lie by rows themselves or with `c` channels after `b` places
// ("channels last": the number of channel j at place i of an image is number i · c + j of it in memory). With
// b = 1 everything stays where it is.
template <typename T>
struct Copies {
    const T* from[MOST_ARRAYS];
    T* to[MOST_ARRAYS];
    long long n[MOST_ARRAYS];
    int b[MOST_ARRAYS], c[MOST_ARRAYS];
};

template <typename T>
__global__ void copy_arrays(const Copies<T> copies) {
    const int k = blockIdx.y, b = copies.b[k], c = copies.c[k];
    const long long n = copies.n[k], threads = (long long)gridDim.x * blockDim.x;
    for (long long i = thread_number<long long>(); i < n; i += threads) {
        const int inside = i % ((long long)b * c);
        copies.to[k][i] = copies.from[k][i - inside + inside % b * c + inside / b];
    }
}

// Running averages: average ← keep · average + take · (scale · x).
template <typename T>
struct Averages {
    T* average[MOST_ARRAYS];
    const T* x[MOST_ARRAYS];
    T keep[MOST_ARRAYS], take[MOST_ARRAYS], scale[MOST_ARRAYS];
    long long n[MOST_ARRAYS];
};

template <typename T>
__global__ void update_averages(const Averages<T> averages) {
    const int k = blockIdx.y;
    const T keep = averages.keep[k], take = averages.take[k], scale = averages.scale[k];
    const long long n = averages.n[k], threads = (long long)gridDim.x * blockDim.x;
    for (long long i = thread_number<long long>(); i < n; i += threads) {
        T* average = averages.average[k] + i;
        *average = keep * *average + take * (scale * averages.x[k][i]);
    }
}

// Counters: count ← count + by, unless there is a guard that is False. A thread for each.
struct Counters {
    long long *count[MOST_ARRAYS], by[MOST_ARRAYS];
};

__global__ void count_up(const Counters counters, long long n, const bool* guard) {
    const long long k = thread_number<long long>();
    if (k < n && (!guard || *guard)) *counters.count[k] += counters.by[k];
}
