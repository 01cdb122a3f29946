// A batch of images out of a data set that lies in the GPU's memory: picked, moved, standardized.
//
// One thread makes one number of the batch, and asks where it comes from: a flip or a crop moves no pixels,
// it only changes the place that is read. Chance has no part in it. The transforms of tinygrad_cnn/data draw
// on the host what happens to each image, and here it arrives as a Move; so a seed gives the same batches
// with and without a GPU.
//
// To the last bit: each step is rounded to float as NumPy rounds it. A GPU's division is exact to the last
// bit unless one asks for a quicker one, and there is no product here that a sum follows, which the compiler
// would round once instead of twice. (Only numbers below 10⁻³⁸ differ: CuPy's compiler makes zeros of them.)

#include "common.cuh"

// What is done to one image; MOVES in tinygrad_cnn/data/sketch.py has the same fields in the same order.
struct Move {
    int row, column;            // where in the source the first pixel is; outside of it all is black
    int direction;              // along a row of the source: 1, or -1 for an image that is mirrored
    int hole_row, hole_column;  // where in the batch the hole begins
};

template <typename Index>
struct Images {
    Index images, channels, height, width;  // of the batch
    Index source_height, source_width;      // of the data set
    Index hole;                             // the side of the square that is 0 in the end; 0 for none
    Index channels_last;                    // how the batch lies in memory
};

// Bytes 0 ... 255 become 0 ... 1; floats are what they are.
__device__ float brightness(unsigned char value) { return float(value) / 255.0f; }
__device__ float brightness(float value) { return value; }

// (x - mean) / std of the images with these numbers, each moved as said. Without moves they stay as they are,
// without statistics x is not standardized. `statistics` has the means of all channels, then the deviations.
template <typename Source, typename Index>
__global__ void gather_images(const Source* source, Strides<Index> source_strides, const long long* numbers,
                              const Move* moves, const float* statistics, float* batch,
                              Images<Index> shape) {
    const Index i = thread_number<Index>();
    if (i >= shape.images * shape.channels * shape.height * shape.width) return;
    const Place<Index> out =
        place_of(i, shape.channels, shape.height, shape.width, shape.channels_last);
    Index y = out.h, x = out.w;
    bool is_hole = false;
    if (moves) {
        const Move move = moves[out.n];
        const Index down = y - move.hole_row, right = x - move.hole_column;
        is_hole = 0 <= down && down < shape.hole && 0 <= right && right < shape.hole;
        y = move.row + y;
        x = move.column + move.direction * x;
    }
    const bool is_real = 0 <= y && y < shape.source_height && 0 <= x && x < shape.source_width;
    const Place<Index> from = {Index(numbers[out.n]), out.c, y, x};
    float value = is_real ? brightness(source[offset(source_strides, from)]) : 0.0f;
    if (statistics) value = (value - statistics[out.c]) / statistics[shape.channels + out.c];
    batch[i] = is_hole ? 0.0f : value;
}
