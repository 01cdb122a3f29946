// What the kernels share, and what a GPU is. Read this file first, then dropout.cu.
//
// A kernel is a function that a GPU runs in thousands of threads at once. Threads come in blocks (of 256
// here), and blocks in a grid. All threads run the same lines; each finds out from blockIdx and threadIdx
// which number of the result is its own. 32 neighbouring threads form a warp, which goes through the lines in
// step:
//
//   - When a warp reads or writes 32 neighbouring numbers, memory serves it in one go; this is called
//     coalescing. So threads are numbered in the order in which the numbers lie in memory.
//   - When the threads of a warp take different branches, the warp walks through both, one after the other.
//
// Blocks run in any order, many at a time. Threads of a block can wait for each other (__syncthreads) and
// share some fast memory (__shared__); blocks cannot. No kernel here adds into memory that another thread
// adds into, because then the order of additions, and with it the rounding, would change from run to run.
//
// Sizes and strides count elements, not bytes. Index is int where all of them fit, because a GPU divides
// 32-bit numbers several times faster, and long long where they do not.

// The number of this thread in the whole grid.
template <typename Index>
__device__ Index thread_number() {
    return Index(blockIdx.x) * Index(blockDim.x) + Index(threadIdx.x);
}

// Where numbers of images (N, C, H, W) lie: how far apart neighbours along each dimension are.
template <typename Index>
struct Strides {
    Index n, c, h, w;
};

// One number of a batch of images.
template <typename Index>
struct Place {
    Index n, c, h, w;
};

template <typename Index>
__device__ Index offset(Strides<Index> strides, Place<Index> at) {
    return at.n * strides.n + at.c * strides.c + at.h * strides.h + at.w * strides.w;
}

// The place of number i, counted as the numbers lie in memory: by rows of each channel (NCHW), or with the
// channels of a pixel side by side (NHWC, "channels last").
template <typename Index>
__device__ Place<Index> place_of(Index i, Index channels, Index height, Index width, bool channels_last) {
    Place<Index> at;
    if (channels_last) {
        at.c = i % channels, i /= channels;
        at.w = i % width, i /= width;
        at.h = i % height, i /= height;
    } else {
        at.w = i % width, i /= width;
        at.h = i % height, i /= height;
        at.c = i % channels, i /= channels;
    }
    at.n = i;
    return at;
}
