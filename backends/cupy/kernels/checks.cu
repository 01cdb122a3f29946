// Is every number of many arrays finite? One launch for all gradients of a network.
//
// The arrays lie anywhere, so the kernel gets a table of them. A struct that is an argument of a kernel is
// copied with it (up to 4 KiB), so the table needs no memory of its own.
//
// The result is one byte, which stays as it is if all is well. Any number of threads may find something and
// write at the same time: they all write the same, so it does not matter who is last.

#include "common.cuh"

constexpr int MOST_ARRAYS = 64;  // in checks.py too

struct Arrays {
    unsigned long long addresses[MOST_ARRAYS];
    unsigned long long sizes[MOST_ARRAYS];  // elements
};

// Row y of the grid looks at array y. All exponent bits set is what infinities and NaN have in common, and
// x − x is 0 for all other numbers.
template <typename Stored>
__global__ void look_for_non_finite(Arrays arrays, bool if_found, bool* answer) {
    const Stored* values = (const Stored*)arrays.addresses[blockIdx.y];
    const long long size = arrays.sizes[blockIdx.y];
    const long long threads = (long long)gridDim.x * blockDim.x;
    bool is_well = true;
    for (long long i = thread_number<long long>(); i < size; i += threads) {
        const Math<Stored> value = values[i];
        is_well = is_well && value - value == 0;
    }
    if (!is_well) *answer = if_found;
}
