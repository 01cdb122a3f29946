// One step of SGD or of Adam for many weights: the rules of tinygrad_cnn/optim in one pass over memory.
//
// The arithmetic is nothing beside the traffic: Adam reads four numbers a weight and writes three. So a step
// reads each number once. And most layers have few weights, which a GPU is done with before the next kernel
// has started: so one launch takes the weights of many layers. Their addresses come as an argument (PyTorch's
// and Apex's optimizers do it so and call it "multi-tensor apply"); blocks with the same blockIdx.y share one
// array.
//
// A grid-stride loop: thread i takes weights i, i + threads, i + 2 · threads, ... so a few thousand threads
// serve an array of any length, and what is the same for all weights is computed once a block, not once a
// weight. Learning rate, betas and the count of steps are read from the GPU's memory when the kernel runs, so
// that a recorded step sees how they change. They are float64: terms such as 1 − βᵗ lose no digits.
//
// What is written may be what was read (w_new = w), because each thread only looks at its own weights. The
// count of steps is the exception: every block reads it, so the new one must lie elsewhere.
//
// A step over weights and state may have a guard, one byte: where it is False nothing is written. That is how
// mixed precision skips the steps whose gradients are not finite (tinygrad_cnn/amp.py); the host never knows.

#include "common.cuh"

constexpr int MOST_ARRAYS = 40;  // in a launch: a kernel's arguments have to fit into 4 KiB

// The arrays of up to MOST_ARRAYS parameters. Which state a rule has, it says itself; t counts Adam's steps.
template <typename T>
struct Arrays {
    const T *w[MOST_ARRAYS], *g[MOST_ARRAYS], *state[3][MOST_ARRAYS];
    T *w_new[MOST_ARRAYS], *state_new[3][MOST_ARRAYS];
    const long long* t[MOST_ARRAYS];
    long long* t_new[MOST_ARRAYS];  // null where somebody else counts
    long long n[MOST_ARRAYS];
};

// Whether there is a guard and it forbids the step.
__device__ bool is_skipped(const bool* guard) {
    return guard && !*guard;
}

// Calls step(i) for each of n weights that are this thread's.
template <typename Step>
__device__ void for_my_weights(long long n, Step step) {
    const long long threads = (long long)gridDim.x * blockDim.x;
    for (long long i = thread_number<long long>(); i < n; i += threads) step(i);
}

// The gradient of what is made small: of −loss to maximize, of loss + ½ · λ · |w|² with weight decay λ.
template <typename T>
__device__ T loss_gradient(T w, T g, double weight_decay, bool maximize) {
    if (maximize) g = -g;
    return weight_decay != 0 ? g + T(weight_decay) * w : g;
}

template <typename T>
__global__ void gradient_descent(const Arrays<T> arrays, const bool* guard, const double* lr,
                                 double weight_decay, bool maximize) {
    if (is_skipped(guard)) return;
    const int k = blockIdx.y;
    const T *w = arrays.w[k], *g = arrays.g[k];
    const T rate = T(*lr);
    for_my_weights(arrays.n[k], [&](long long i) {
        arrays.w_new[k][i] = w[i] - rate * loss_gradient(w[i], g[i], weight_decay, maximize);
    });
}

// v ← momentum · v + (1 − dampening) · g, and a step along v (Nesterov: along g + momentum · v).
template <typename T>
__global__ void momentum_descent(const Arrays<T> arrays, const bool* guard, const double* momentum,
                                 const double* lr, double dampening, double weight_decay, bool nesterov,
                                 bool maximize) {
    if (is_skipped(guard)) return;
    const int k = blockIdx.y;
    const T *w = arrays.w[k], *g = arrays.g[k], *v = arrays.state[0][k];
    const T rate = T(*lr), kept = T(*momentum), taken = T(1 - dampening);
    for_my_weights(arrays.n[k], [&](long long i) {
        const T gradient = loss_gradient(w[i], g[i], weight_decay, maximize);
        const T velocity = kept * v[i] + taken * gradient;
        arrays.w_new[k][i] = w[i] - rate * (nesterov ? gradient + kept * velocity : velocity);
        arrays.state_new[0][k][i] = velocity;
    });
}

// What one step of Adam multiplies by, for all weights alike.
template <typename T>
struct AdamFactors {
    T keep1, take1, keep2, take2, length, root, decay;
};

// State m and v are the running averages of gradient and squared gradient, t counts the steps before this one.
// v_max, where there is one, is AMSGrad's largest v so far, which then takes the place of v in the step.
template <typename T>
__global__ void adam(const Arrays<T> arrays, const bool* guard, const double* betas, const double* lr,
                     double eps, double weight_decay, bool decoupled, bool maximize) {
    if (is_skipped(guard)) return;
    const int k = blockIdx.y;
    const T *w = arrays.w[k], *g = arrays.g[k];
    const T *m = arrays.state[0][k], *v = arrays.state[1][k], *v_max = arrays.state[2][k];
    // Two powers in float64 are slow: one thread computes them, the others wait and read them from the
    // memory that the block shares.
    __shared__ AdamFactors<T> shared;
    if (threadIdx.x == 0) {
        const long long before = *arrays.t[k];
        const double steps = double(before + 1), beta1 = betas[0], beta2 = betas[1];
        shared = {T(beta1),
                  T(1 - beta1),
                  T(beta2),
                  T(1 - beta2),
                  T(*lr / (1 - pow(beta1, steps))),
                  T(sqrt(1 - pow(beta2, steps))),
                  T(*lr * weight_decay)};
        if (blockIdx.x == 0 && arrays.t_new[k]) *arrays.t_new[k] = before + 1;
    }
    __syncthreads();
    const AdamFactors<T> by = shared;
    for_my_weights(arrays.n[k], [&](long long i) {
        const T gradient = loss_gradient(w[i], g[i], decoupled ? 0 : weight_decay, maximize);
        const T weight = decoupled ? w[i] - by.decay * w[i] : w[i];
        const T average = by.keep1 * m[i] + by.take1 * gradient;
        const T square = by.keep2 * v[i] + by.take2 * (gradient * gradient);
        T largest = square;
        if (v_max) {
            largest = v_max[i] > square || v_max[i] != v_max[i] ? v_max[i] : square;  // NaN comes through
            arrays.state_new[2][k][i] = largest;
        }
        arrays.w_new[k][i] = weight - by.length * (average / (sqrt(largest) / by.root + T(eps)));
        arrays.state_new[0][k][i] = average;
        arrays.state_new[1][k][i] = square;
    });
}
