// One step of SGD or of Adam for every weight: the rules of tinygrad_cnn/optim in one pass over memory.
//
// The arithmetic is nothing beside the traffic: Adam reads four numbers a weight and writes three. So a step
// should be one kernel that reads each number once, over one long array that holds the weights of all layers
// (a "flat buffer") rather than once for every layer.
//
// A grid-stride loop: thread i takes weights i, i + threads, i + 2 · threads, ... so a few thousand threads
// serve an array of any length, and what is the same for all weights is computed once a block, not once a
// weight. Learning rate, betas and the count of steps are read from the GPU's memory when the kernel runs, so
// that a recorded step sees how they change. They are float64: terms such as 1 − βᵗ lose no digits.
//
// What is written may be what was read (w_new = w), because each thread only looks at its own weights. The
// count of steps is the exception: every block reads it, so the new one must lie elsewhere.

#include "common.cuh"

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
__global__ void gradient_descent(const T* w, const T* g, const double* lr, long long n, double weight_decay,
                                 bool maximize, T* w_new) {
    const T rate = T(*lr);
    for_my_weights(n, [&](long long i) {
        w_new[i] = w[i] - rate * loss_gradient(w[i], g[i], weight_decay, maximize);
    });
}

// v ← momentum · v + (1 − dampening) · g, and a step along v (Nesterov: along g + momentum · v).
template <typename T>
__global__ void momentum_descent(const T* w, const T* g, const T* v, const double* momentum, const double* lr,
                                 long long n, double dampening, double weight_decay, bool nesterov,
                                 bool maximize, T* w_new, T* v_new) {
    const T rate = T(*lr), kept = T(*momentum), taken = T(1 - dampening);
    for_my_weights(n, [&](long long i) {
        const T gradient = loss_gradient(w[i], g[i], weight_decay, maximize);
        const T velocity = kept * v[i] + taken * gradient;
        w_new[i] = w[i] - rate * (nesterov ? gradient + kept * velocity : velocity);
        v_new[i] = velocity;
    });
}

// What one step of Adam multiplies by, for all weights alike.
template <typename T>
struct AdamFactors {
    T keep1, take1, keep2, take2, length, root, decay;
};

// m and v are the running averages of gradient and squared gradient, t counts the steps before this one.
// v_max, where there is one, is AMSGrad's largest v so far, which then takes the place of v in the step.
template <typename T>
__global__ void adam(const T* w, const T* g, const long long* t, const T* m, const T* v, const T* v_max,
                     const double* betas, const double* lr, long long n, double eps, double weight_decay,
                     bool decoupled, bool maximize, T* w_new, long long* t_new, T* m_new, T* v_new,
                     T* v_max_new) {
    // Two powers in float64 are slow: one thread computes them, the others wait and read them from the
    // memory that the block shares.
    __shared__ AdamFactors<T> shared;
    if (threadIdx.x == 0) {
        const double steps = double(*t + 1), beta1 = betas[0], beta2 = betas[1];
        shared = {T(beta1),
                  T(1 - beta1),
                  T(beta2),
                  T(1 - beta2),
                  T(*lr / (1 - pow(beta1, steps))),
                  T(sqrt(1 - pow(beta2, steps))),
                  T(*lr * weight_decay)};
        if (blockIdx.x == 0) *t_new = *t + 1;
    }
    __syncthreads();
    const AdamFactors<T> by = shared;
    for_my_weights(n, [&](long long i) {
        const T gradient = loss_gradient(w[i], g[i], decoupled ? 0 : weight_decay, maximize);
        const T weight = decoupled ? w[i] - by.decay * w[i] : w[i];
        const T average = by.keep1 * m[i] + by.take1 * gradient;
        const T square = by.keep2 * v[i] + by.take2 * (gradient * gradient);
        T largest = square;
        if (v_max) {
            largest = v_max[i] > square || v_max[i] != v_max[i] ? v_max[i] : square;  // NaN comes through
            v_max_new[i] = largest;
        }
        w_new[i] = weight - by.length * (average / (sqrt(largest) / by.root + T(eps)));
        m_new[i] = average;
        v_new[i] = square;
    });
}
