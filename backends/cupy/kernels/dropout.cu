// Random words and the masks of dropout: Philox4x32-10, the same words as on every other backend.
//
// The simplest kernels of this folder. A block of four words is a function of a key (the seed) and a counter,
// computed from nothing before it, so thread i makes block number `counter + i`, and no thread waits for
// another. Seed and counter are read from the GPU's memory when the kernel runs: a recorded step that is
// replayed draws new numbers, because it has moved the counter.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

#include "common.cuh"

typedef unsigned int Word;
typedef unsigned long long DoubleWord;

constexpr int WORDS = 4;  // of a block
constexpr int ROUNDS = 10;

struct RandomBlock {
    Word word[WORDS];
};

// Each round multiplies two words and crosses high halves, other words and keys by exclusive-or.
__device__ RandomBlock philox(DoubleWord key, DoubleWord counter) {
    Word a = Word(counter), b = Word(counter >> 32), c = 0, d = 0;
    Word key0 = Word(key), key1 = Word(key >> 32);
    for (int round = 0; round < ROUNDS; ++round) {
        const DoubleWord first = DoubleWord(a) * 0xD2511F53u, second = DoubleWord(c) * 0xCD9E8D57u;
        a = Word(second >> 32) ^ b ^ key0;
        c = Word(first >> 32) ^ d ^ key1;
        b = Word(second);
        d = Word(first);
        key0 += 0x9E3779B9u;  // the golden ratio and √3 − 1 as 32-bit fractions
        key1 += 0xBB67AE85u;
    }
    return {{a, b, c, d}};
}

// Calls take(place, word) for those of n words that this thread makes.
template <typename Take>
__device__ void for_my_words(const long long* seed, const long long* counter, long long n, Take take) {
    const long long block = thread_number<long long>();
    if (block * WORDS >= n) return;
    const RandomBlock drawn = philox(DoubleWord(*seed), DoubleWord(*counter + block));
    for (int i = 0; i < WORDS && block * WORDS + i < n; ++i) take(block * WORDS + i, drawn.word[i]);
}

__global__ void random_words(const long long* seed, const long long* counter, long long n, Word* words) {
    for_my_words(seed, counter, n, [&](long long i, Word word) { words[i] = word; });
}

// True with probability threshold / 2³²: a comparison of integers, which no rounding can change.
__global__ void random_mask(const long long* seed, const long long* counter, long long n, long long threshold,
                            bool* mask) {
    for_my_words(seed, counter, n, [&](long long i, Word word) { mask[i] = word < threshold; });
}
