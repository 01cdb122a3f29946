// A GPU for tests, in one header: g++ compiles a .cu file with it, and the CPU runs the kernels' own code.
//
// Blocks run one after the other. The threads of a block are fibers: functions with a stack of their own that
// hand over to each other, here only where a kernel waits (__syncthreads, warp shuffles). All of them run in
// one thread of the CPU, so a run repeats itself, and in ascending or descending order, as the caller says: a
// kernel that forgot to wait finds other numbers in shared memory in one of the two.
//
// A launch reports an error instead of hanging when some threads wait for others that have returned.
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static  // blocks take turns, so one copy is enough

using std::exp, std::log, std::pow, std::sqrt;  // CUDA has them for float and double, in no namespace

struct bfloat16;  // see common.cuh
struct float16;

inline unsigned __float_as_uint(float value) {
    unsigned bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline float __uint_as_float(unsigned bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

struct Three {
    unsigned x, y, z;
};
static Three gridDim, blockDim, blockIdx, threadIdx;

namespace gpu {

// ---- kernels by name -------------------------------------------------------------------------------------

// "i8" for an integer of 8 bytes, "f4" for a float, "b2" for a bfloat16, "s48" for any other struct, "*f4" for
// a pointer to floats.
template <typename T>
std::string kind_of() {
    if constexpr (std::is_pointer_v<T>) return "*" + kind_of<std::remove_cv_t<std::remove_pointer_t<T>>>();
    if constexpr (std::is_same_v<T, bfloat16>) return "b2";
    if constexpr (std::is_same_v<T, float16>) return "f2";
    const char* kind = std::is_integral_v<T> ? "i" : std::is_floating_point_v<T> ? "f" : "s";
    return kind + std::to_string(sizeof(T));
}

struct Kernel {
    std::string signature;
    void (*function)();
    void (*call)(void (*function)(), void** values);
};

template <typename... Arguments, size_t... I>
void call(void (*kernel)(Arguments...), void** values, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_cv_t<Arguments>*>(values[I])...);
}

// A kernel as the table has it: without its type, and with a function that knows it.
template <typename... Arguments>
Kernel kernel(void (*function)(Arguments...)) {
    return {((kind_of<std::remove_cv_t<Arguments>>() + " ") + ... + std::string()),
            reinterpret_cast<void (*)()>(function), [](void (*function)(), void** values) {
                call(reinterpret_cast<void (*)(Arguments...)>(function), values,
                     std::index_sequence_for<Arguments...>());
            }};
}

extern const std::map<std::string, Kernel> kernels;

// ---- fibers ---------------------------------------------------------------------------------------------

constexpr unsigned WARP = 32;
constexpr size_t STACK_BYTES = 64 << 10;

struct Meeting {  // where threads wait for each other
    unsigned arrived = 0, rounds = 0;
};

struct Fiber {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(STACK_BYTES);
    Three place;
    bool has_returned;
    Meeting* waits_at;
    unsigned round;  // runs again when the meeting has got past it
};

struct Warp {
    Meeting meeting;
    char shown[2][WARP][16];  // what each lane lets the others read, now and in the next shuffle
};

static std::vector<Fiber> fibers;
static std::vector<Warp> warps;
static Meeting whole_block;
static ucontext_t scheduler;
static const Kernel* running;
static void** values;
static unsigned current, block_size;

static void wait(Meeting& meeting, unsigned expected) {
    if (++meeting.arrived == expected) {
        meeting.arrived = 0;
        ++meeting.rounds;
        return;
    }
    Fiber& me = fibers[current];
    me.waits_at = &meeting;
    me.round = meeting.rounds;
    swapcontext(&me.context, &scheduler);
}

static void run_fiber() {
    running->call(running->function, values);
    fibers[current].has_returned = true;
    swapcontext(&fibers[current].context, &scheduler);
}

static bool can_run(const Fiber& fiber) {
    return !fiber.has_returned && !(fiber.waits_at && fiber.waits_at->rounds == fiber.round);
}

// Runs one block to its end; false if all threads that are left wait.
static bool run_block(bool descending) {
    whole_block = {};
    warps.assign((block_size + WARP - 1) / WARP, Warp());
    for (unsigned i = 0; i < block_size; ++i) {
        Fiber& fiber = fibers[i];
        fiber.place = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
        fiber.has_returned = false;
        fiber.waits_at = nullptr;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = STACK_BYTES;
        makecontext(&fiber.context, run_fiber, 0);
    }
    unsigned left = block_size;
    for (bool has_moved = true; left && has_moved;) {
        has_moved = false;
        for (unsigned turn = 0; turn < block_size; ++turn) {
            current = descending ? block_size - 1 - turn : turn;
            if (!can_run(fibers[current])) continue;
            fibers[current].waits_at = nullptr;
            threadIdx = fibers[current].place;
            swapcontext(&scheduler, &fibers[current].context);
            left -= fibers[current].has_returned;
            has_moved = true;
        }
    }
    return !left;
}

}  // namespace gpu

// ---- what kernels call -----------------------------------------------------------------------------------

inline void __syncthreads() { gpu::wait(gpu::whole_block, gpu::block_size); }

template <typename T>
T __shfl_xor_sync(unsigned, T value, unsigned distance) {
    static_assert(sizeof(T) <= sizeof(gpu::Warp::shown[0][0]), "a wider type");
    const unsigned index = gpu::current / gpu::WARP, lane = gpu::current % gpu::WARP;
    const unsigned lanes = std::min(gpu::WARP, gpu::block_size - index * gpu::WARP);
    gpu::Warp& warp = gpu::warps[index];
    auto& shown = warp.shown[warp.meeting.rounds % 2];  // some lanes may still look at the other half
    std::memcpy(shown[lane], &value, sizeof value);
    gpu::wait(warp.meeting, lanes);
    std::memcpy(&value, shown[lane ^ distance], sizeof value);
    return value;
}

// ---- what the tests call ---------------------------------------------------------------------------------

// The kinds of a kernel's arguments; null if there is no kernel of that name.
extern "C" const char* signature(const char* name) {
    const auto found = gpu::kernels.find(name);
    return found == gpu::kernels.end() ? nullptr : found->second.signature.c_str();
}

// Runs a kernel; arguments as for cuLaunchKernel: the addresses of their values. False if threads hang.
extern "C" bool launch(const char* name, const unsigned* grid, const unsigned* block, void** arguments,
                       bool descending) {
    gpu::running = &gpu::kernels.at(name);
    gpu::values = arguments;
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    gpu::block_size = block[0] * block[1] * block[2];
    if (gpu::fibers.size() < gpu::block_size) gpu::fibers.resize(gpu::block_size);
    const unsigned blocks = grid[0] * grid[1] * grid[2];
    for (unsigned turn = 0; turn < blocks; ++turn) {
        const unsigned i = descending ? blocks - 1 - turn : turn;
        blockIdx = {i % grid[0], i / grid[0] % grid[1], i / grid[0] / grid[1]};
        if (!gpu::run_block(descending)) return false;
    }
    return true;
}
