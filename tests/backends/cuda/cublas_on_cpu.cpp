// cuBLAS for tests: the functions that our backend calls, computed by the CPU on the host's memory.
//
// Arguments are checked as NVIDIA's documentation demands, and some further: a product needs a workspace that
// was given after the stream, since cuBLAS would otherwise use scratch memory of its own, which a recorded
// product must not; and matrices that are written may not overlap. Sums are added in the type that was asked
// for, one after the other, and factors are rounded to TF32 where that was asked for. Every product fills a
// part of its workspace with rubbish: whoever was lent the same memory will notice.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <set>
#include <type_traits>

enum Status { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
enum Operation { NOT_TRANSPOSED = 0, TRANSPOSED = 1 };
enum Type { REAL_32 = 0, REAL_64 = 1, REAL_16 = 2, REAL_B16 = 14 };
enum Compute { COMPUTE_32 = 68, COMPUTE_TF32 = 77, COMPUTE_64 = 70 };
constexpr int DEFAULT_ALGORITHM = -1, DISALLOW_REDUCED_PRECISION_REDUCTION = 16;
constexpr size_t ALIGNMENT = 256, SMALLEST_WORKSPACE = 16 << 10;
constexpr int RUBBISH = 0xA5;

// ---- numbers ---------------------------------------------------------------------------------------------

struct Bfloat16 {
    uint16_t bits;

    Bfloat16() = default;
    Bfloat16(float value) {
        uint32_t all;
        std::memcpy(&all, &value, sizeof all);
        bits = value == value ? (all + 0x7FFF + (all >> 16 & 1)) >> 16 : 0x7FC0;
    }
    operator float() const {
        const uint32_t all = uint32_t(bits) << 16;
        float value;
        std::memcpy(&value, &all, sizeof value);
        return value;
    }
};

// To the nearest number with 10 binary digits after the point.
static float to_tf32(float value) {
    uint32_t all;
    std::memcpy(&all, &value, sizeof all);
    all = (all + 0xFFF + (all >> 13 & 1)) & ~0x1FFFu;
    float rounded;
    std::memcpy(&rounded, &all, sizeof rounded);
    return value - value == 0 ? rounded : value;  // infinity and NaN as they are
}

// ---- products --------------------------------------------------------------------------------------------

// Matrices as Fortran has them: the numbers of a column are neighbours, columns lie `leading` apart.
struct Matrices {
    void* data;
    int type, leading;
    long long step;
};

struct Product {
    int transpose_a, transpose_b, m, n, k;
    double alpha, beta;
    Matrices a, b, c;
    int count, compute;
    void* workspace;
};

template <typename T, typename Sum>
static void multiply(const Product& p) {
    for (int i = 0; i < p.count; ++i) {
        const T* a = static_cast<const T*>(p.a.data) + i * p.a.step;
        const T* b = static_cast<const T*>(p.b.data) + i * p.b.step;
        T* c = static_cast<T*>(p.c.data) + i * p.c.step;
        for (long long column = 0; column < p.n; ++column) {
            for (long long row = 0; row < p.m; ++row) {
                Sum sum = 0;
                for (long long l = 0; l < p.k; ++l) {
                    Sum x = a[p.transpose_a ? l + row * p.a.leading : row + l * p.a.leading];
                    Sum y = b[p.transpose_b ? column + l * p.b.leading : l + column * p.b.leading];
                    if (p.compute == COMPUTE_TF32) x = to_tf32(x), y = to_tf32(y);
                    sum += x * y;
                }
                T& out = c[row + column * p.c.leading];
                out = T(Sum(p.alpha) * sum + (p.beta == 0 ? Sum(0) : Sum(p.beta) * Sum(out)));
            }
        }
    }
}

// The product for these types; null for a combination that cuBLAS does not have.
static void (*implementation(int type, int compute))(const Product&) {
    if (compute == COMPUTE_64) return type == REAL_64 ? multiply<double, double> : nullptr;
    if (type == REAL_32) return multiply<float, float>;
    if (compute == COMPUTE_TF32) return nullptr;
    if (type == REAL_16) return multiply<_Float16, float>;
    if (type == REAL_B16) return multiply<Bfloat16, float>;
    return nullptr;
}

extern "C" void run(const Product* product) {
    std::memset(product->workspace, RUBBISH, SMALLEST_WORKSPACE);
    implementation(product->c.type, product->compute)(*product);
}

// ---- handles ---------------------------------------------------------------------------------------------

struct Handle {
    void* stream = nullptr;
    void* workspace = nullptr;
    bool adds_wide = false;
};
static std::set<Handle*> handles;

// For tests to read: how often functions were called.
extern "C" {
int streams_set = 0, workspaces_set = 0, single_products = 0, stacked_products = 0;
}

// Who knows about streams may say how a product joins one: to be run later, or every time a graph is replayed.
using Queue = void (*)(void* stream, const Product* product);
static Queue queue = nullptr;
static std::deque<Product> queued;  // for as long as anybody may run them
extern "C" void set_queue(Queue function) { queue = function; }

static Status check(Handle* handle, const Product& p, const void* alpha, const void* beta, int algorithm) {
    if (!handles.count(handle)) return NOT_INITIALIZED;
    if (!handle->workspace) return EXECUTION_FAILED;
    for (int operation : {p.transpose_a, p.transpose_b})
        if (operation != NOT_TRANSPOSED && operation != TRANSPOSED) return INVALID_VALUE;
    if (std::min({p.m, p.n, p.k, p.count}) < 0 || !alpha || !beta) return INVALID_VALUE;
    if (p.a.leading < std::max(1, p.transpose_a ? p.k : p.m)) return INVALID_VALUE;
    if (p.b.leading < std::max(1, p.transpose_b ? p.n : p.k)) return INVALID_VALUE;
    if (p.c.leading < std::max(1, p.m)) return INVALID_VALUE;
    if (std::min(p.a.step, p.b.step) < 0) return INVALID_VALUE;
    if (p.count > 1 && p.c.step < (long long)p.c.leading * p.n) return INVALID_VALUE;
    if (!p.a.data || !p.b.data || !p.c.data) return INVALID_VALUE;
    if (p.a.type != p.c.type || p.b.type != p.c.type || algorithm != DEFAULT_ALGORITHM) return NOT_SUPPORTED;
    if (!implementation(p.c.type, p.compute)) return NOT_SUPPORTED;
    // Unless told not to, cuBLAS may add parts of a sum in the type of the product.
    const bool is_narrow = p.c.type == REAL_16 || p.c.type == REAL_B16;
    return is_narrow && !handle->adds_wide ? EXECUTION_FAILED : SUCCESS;
}

static Status take(Handle* handle, Product p, const void* alpha, const void* beta, int algorithm) {
    const Status status = check(handle, p, alpha, beta, algorithm);
    if (status != SUCCESS) return status;
    const bool is_double = p.compute == COMPUTE_64;
    p.alpha = is_double ? *static_cast<const double*>(alpha) : *static_cast<const float*>(alpha);
    p.beta = is_double ? *static_cast<const double*>(beta) : *static_cast<const float*>(beta);
    p.workspace = handle->workspace;
    if (queue) {
        queued.push_back(p);
        queue(handle->stream, &queued.back());
    } else {
        run(&p);
    }
    return SUCCESS;
}

// ---- what is called as in cublas_api.h -------------------------------------------------------------------

extern "C" {

Status cublasCreate_v2(Handle** handle) {
    handles.insert(*handle = new Handle());
    return SUCCESS;
}

Status cublasDestroy_v2(Handle* handle) {
    if (!handles.erase(handle)) return NOT_INITIALIZED;
    delete handle;
    return SUCCESS;
}

Status cublasSetMathMode(Handle* handle, int mode) {
    if (!handles.count(handle)) return NOT_INITIALIZED;
    if (mode & ~(1 | 2 | 3 | DISALLOW_REDUCED_PRECISION_REDUCTION)) return INVALID_VALUE;
    handle->adds_wide = mode & DISALLOW_REDUCED_PRECISION_REDUCTION;
    return SUCCESS;
}

Status cublasSetStream_v2(Handle* handle, void* stream) {
    if (!handles.count(handle)) return NOT_INITIALIZED;
    ++streams_set;
    handle->stream = stream;
    handle->workspace = nullptr;  // it is cuBLAS's own again
    return SUCCESS;
}

Status cublasSetWorkspace_v2(Handle* handle, void* workspace, size_t bytes) {
    if (!handles.count(handle)) return NOT_INITIALIZED;
    if (!workspace || uintptr_t(workspace) % ALIGNMENT || bytes < SMALLEST_WORKSPACE) return INVALID_VALUE;
    ++workspaces_set;
    std::memset(workspace, RUBBISH, bytes);  // it belongs to cuBLAS, whole
    handle->workspace = workspace;
    return SUCCESS;
}

Status cublasGemmEx(Handle* handle, int transpose_a, int transpose_b, int m, int n, int k, const void* alpha,
                    void* a, int a_type, int lda, void* b, int b_type, int ldb, const void* beta, void* c,
                    int c_type, int ldc, int compute, int algorithm) {
    ++single_products;
    const Product product{transpose_a, transpose_b, m, n, k, 0, 0, {a, a_type, lda, 0}, {b, b_type, ldb, 0},
                          {c, c_type, ldc, 0}, 1, compute, nullptr};
    return take(handle, product, alpha, beta, algorithm);
}

Status cublasGemmStridedBatchedEx(Handle* handle, int transpose_a, int transpose_b, int m, int n, int k,
                                  const void* alpha, void* a, int a_type, int lda, long long a_step, void* b,
                                  int b_type, int ldb, long long b_step, const void* beta, void* c, int c_type,
                                  int ldc, long long c_step, int count, int compute, int algorithm) {
    ++stacked_products;
    const Product product{transpose_a, transpose_b, m, n, k, 0, 0, {a, a_type, lda, a_step},
                          {b, b_type, ldb, b_step}, {c, c_type, ldc, c_step}, count, compute, nullptr};
    return take(handle, product, alpha, beta, algorithm);
}

const char* cublasGetStatusString(Status status) {
    switch (status) {
        case SUCCESS: return "success";
        case NOT_INITIALIZED: return "the library was not initialized";
        case INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
        case EXECUTION_FAILED: return "the function failed to launch on the GPU";
        case NOT_SUPPORTED: return "the functionality requested is not supported";
    }
    return "unknown error code";
}
}
