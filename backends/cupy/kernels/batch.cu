// A batch of images out of a data set that lies in the GPU's memory: picked, altered at random, standardized.
//
// One thread makes one number of the batch, and asks where it comes from: a flip or a crop moves no pixels,
// it only changes the place that is read. All chance is in words given from outside, WORDS_PER_IMAGE for each
// image, so the same words give the same batch on every machine:
//
//     word 0     mirrored, if smaller than the threshold
//     words 1, 2 where the crop begins (row, column)
//     words 3, 4 where the centre of the cutout square lies (row, column)

#include "common.cuh"

constexpr int WORDS_PER_IMAGE = 8;  // two blocks of Philox; the last three words are not used

// What is done to every image. In batch.py, `AUGMENTATION` has the same fields in the same order.
struct Augmentation {
    long long flip_threshold;                // of 2³²; 0 mirrors no image
    long long padding_height, padding_width;  // zeros around the image, before it is cropped
    long long cutout;                        // the side of the square that is blanked; 0 blanks nothing
};

template <typename Index>
struct Images {
    Index images, channels, height, width;  // of the batch
    Index source_height, source_width;      // of the data set
    Index channels_last;                    // how the batch lies in memory
};

// A whole number from 0 to n − 1, in proportion to a word of 32 bits.
__device__ long long pick(unsigned int word, long long n) {
    return (long long)(((unsigned long long)word * n) >> 32);
}

// Bytes 0 ... 255 of the images with these numbers, as (byte / 255 − mean) / std of their channel. What a
// crop takes from the padding is black, as in the data set; the cutout is 0 after standardizing, an average
// grey (DeVries and Taylor, "Improved Regularization of CNNs with Cutout", 2017, arXiv:1708.04552).
template <typename T, typename Index>
__global__ void gather_images(const unsigned char* source, Strides<Index> source_strides,
                              const long long* numbers, const unsigned int* words, const T* mean,
                              const T* std, Augmentation augmentation, T* batch, Images<Index> shape) {
    const Index i = thread_number<Index>();
    if (i >= shape.images * shape.channels * shape.height * shape.width) return;
    const Place<Index> out =
        place_of(i, shape.channels, shape.height, shape.width, shape.channels_last);
    Index y = out.h, x = out.w;
    bool is_cut = false;
    if (words) {
        const unsigned int* word = words + (long long)out.n * WORDS_PER_IMAGE;
        if (augmentation.cutout > 0) {
            const Index top = Index(pick(word[3], shape.height)) - Index(augmentation.cutout / 2);
            const Index left = Index(pick(word[4], shape.width)) - Index(augmentation.cutout / 2);
            is_cut = top <= y && y < top + augmentation.cutout && left <= x && x < left + augmentation.cutout;
        }
        const Index most_down = shape.source_height + 2 * Index(augmentation.padding_height) - shape.height;
        const Index most_right = shape.source_width + 2 * Index(augmentation.padding_width) - shape.width;
        if (word[0] < augmentation.flip_threshold) x = shape.width - 1 - x;
        y += Index(pick(word[1], most_down + 1)) - Index(augmentation.padding_height);
        x += Index(pick(word[2], most_right + 1)) - Index(augmentation.padding_width);
    }
    const bool is_real = 0 <= y && y < shape.source_height && 0 <= x && x < shape.source_width;
    const Place<Index> from = {Index(numbers[out.n]), out.c, y, x};
    const T value = is_real ? T(source[offset(source_strides, from)]) / T(255) : T(0);
    batch[i] = is_cut ? T(0) : (value - mean[out.c]) / std[out.c];
}
