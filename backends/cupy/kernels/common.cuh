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

// ---- 16-bit floats ---------------------------------------------------------------------------------------
//
// Floats of 16 bits are for memory, not for arithmetic: they take half the room of a float, so a kernel that
// waits for memory waits half as long. They turn into float when they are read; kernels compute in float and
// round once, when they write. `Stored` is what lies in memory, and Math<Stored> what to compute in.
//
//                sign  exponent  fraction
//     float         1         8        23
//     bfloat16      1         8         7    the upper half of a float: all of its range, 2 to 3 digits
//     float16       1         5        10    3 to 4 digits, between 6e-8 and 65504

struct bfloat16 {
    unsigned short bits;

    bfloat16() = default;
    __device__ explicit bfloat16(float value) {
        const unsigned all = __float_as_uint(value);
        // To the nearest; in the middle between two, to the one that ends in 0. Only a NaN differs from itself.
        bits = value == value ? (all + 0x7FFFu + (all >> 16 & 1)) >> 16 : 0x7FC0;
    }
    __device__ operator float() const { return __uint_as_float(unsigned(bits) << 16); }
};

struct float16 {
    unsigned short bits;

    float16() = default;
    __device__ explicit float16(float value) {
        const unsigned sign = __float_as_uint(value) & 0x80000000u;
        unsigned all = __float_as_uint(value) ^ sign;
        if (all >= 0x47800000u) {  // 65536 and more, infinity, NaN
            all = value == value ? 0x7C00 : 0x7E00;
        } else if (all < 0x38800000u) {  // below 2^-14 steps are 2^-24 wide, as those of a float at 0.5 are
            all = __float_as_uint(__uint_as_float(all) + 0.5f) - 0x3F000000u;
        } else {  // another bias of the exponent, and the fraction rounded as above
            all = (all - 0x38000000u + 0xFFFu + (all >> 13 & 1)) >> 13;
        }
        bits = all | sign >> 16;
    }
    __device__ operator float() const {
        // Below 2^-14 there is no exponent, only steps of 2^-24. (Their bits must not be read as those of a
        // float: kernels are compiled so that floats below 2^-126 become 0.) Elsewhere a factor of 2^112 is
        // the difference between the biases of the exponents.
        float value = bits & 0x7C00u ? __uint_as_float((bits & 0x7FFFu) << 13) * 0x1p112f
                                     : float(bits & 0x3FFu) * 0x1p-24f;
        if (value >= 65536.0f) value = __uint_as_float(__float_as_uint(value) | 0x7F800000u);
        return __uint_as_float(__float_as_uint(value) | (bits & 0x8000u) << 16);
    }
};

template <typename Stored>
struct MathOf {
    using type = Stored;
};
template <>
struct MathOf<bfloat16> {
    using type = float;
};
template <>
struct MathOf<float16> {
    using type = float;
};
template <typename Stored>
using Math = typename MathOf<Stored>::type;

// ---- places ----------------------------------------------------------------------------------------------

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
