#pragma once
#include <stdbool.h>
#include <stdint.h>

// What this processor and its operating system let us execute. Always false on processors other than x86-64.
bool calor_cpu_has_avx2(void);
bool calor_cpu_has_fma(void);
bool calor_cpu_has_avx512(void);  // F, VL, BW and DQ together

// The processor's own name, at most 48 characters and a zero; an empty string where there is none.
void calor_cpu_brand(char name[64]);

// Treats denormal numbers as zero on the calling thread; returns what calor_float_mode_restore takes.
uint32_t calor_float_mode_flush_denormals(void);
// The opposite, likewise.
uint32_t calor_float_mode_keep_denormals(void);
void calor_float_mode_restore(uint32_t mode);

// Tells the processor that this thread only waits, for a few dozen cycles.
static inline __attribute__((always_inline)) void calor_spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

// Eight floats at a time, for the kernel targets only (they have the flags for such registers). Swift's own `addingProduct` and
// `squareRoot` on SIMD types are loops over lanes that the optimiser puts together again only where it recognises them.
typedef float calor_f32x8 __attribute__((ext_vector_type(8)));

// a · b + c, rounded once where the target has an instruction for it; elsewhere that would be a call for every lane.
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_fma(calor_f32x8 a, calor_f32x8 b, calor_f32x8 c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_sqrt(calor_f32x8 a) { return __builtin_elementwise_sqrt(a); }
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_floor(calor_f32x8 a) { return __builtin_elementwise_floor(a); }
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_ceil(calor_f32x8 a) { return __builtin_elementwise_ceil(a); }
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_roundeven(calor_f32x8 a) {
    return __builtin_elementwise_roundeven(a);
}
// The greater and the lesser of two numbers: a NaN of either wins.
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_greater(calor_f32x8 a, calor_f32x8 b) {
    calor_f32x8 most = a > b ? a : b;
    return a != a ? a : most;
}
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_lesser(calor_f32x8 a, calor_f32x8 b) {
    calor_f32x8 least = a < b ? a : b;
    return a != a ? a : least;
}
// Not below `low` and not above `high`; a NaN stays.
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_clip(calor_f32x8 a, calor_f32x8 low, calor_f32x8 high) {
    calor_f32x8 raised = a < low ? low : a;
    return raised > high ? high : raised;
}

// Sixteen at a time, for kernel targets with 512-bit registers.
typedef float calor_f32x16 __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_fma(calor_f32x16 a, calor_f32x16 b, calor_f32x16 c) {
    return __builtin_elementwise_fma(a, b, c);
}
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_sqrt(calor_f32x16 a) { return __builtin_elementwise_sqrt(a); }
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_floor(calor_f32x16 a) { return __builtin_elementwise_floor(a); }
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_ceil(calor_f32x16 a) { return __builtin_elementwise_ceil(a); }
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_roundeven(calor_f32x16 a) {
    return __builtin_elementwise_roundeven(a);
}
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_greater(calor_f32x16 a, calor_f32x16 b) {
    calor_f32x16 most = a > b ? a : b;
    return a != a ? a : most;
}
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_lesser(calor_f32x16 a, calor_f32x16 b) {
    calor_f32x16 least = a < b ? a : b;
    return a != a ? a : least;
}
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_clip(calor_f32x16 a, calor_f32x16 low, calor_f32x16 high) {
    calor_f32x16 raised = a < low ? low : a;
    return raised > high ? high : raised;
}
#if defined(__AVX512F__)
// a · 2ⁿ, n a whole number.
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_scale(calor_f32x16 a, calor_f32x16 n) {
    return __builtin_ia32_scalefps512_mask(a, n, a, (unsigned short)-1, 4);
}
#endif
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_join(calor_f32x8 low, calor_f32x8 high) {
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x16_low(calor_f32x16 a) {
    return __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7);
}
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x16_high(calor_f32x16 a) {
    return __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
}

// In every lane of a block of eight: the sum of the block's numbers, added in halves.
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_total(calor_f32x8 a) {
    a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
    a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
    return a + __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6);
}
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_total(calor_f32x16 a) {
    a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    return a + __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
}

// Asks for the cache line of `pointer`, which will soon be read.
static inline __attribute__((always_inline)) void calor_prefetch_read(const void *pointer) { __builtin_prefetch(pointer, 0, 2); }
// The same of one that is about to be written.
static inline __attribute__((always_inline)) void calor_prefetch_write(const void *pointer) { __builtin_prefetch(pointer, 1, 3); }

// The sums of the eight numbers of a, b, c and d, then four zeros; in every group of eight for the wide one.
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_sums(calor_f32x8 a, calor_f32x8 b, calor_f32x8 c, calor_f32x8 d) {
    calor_f32x8 p = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    calor_f32x8 q = __builtin_shufflevector(c, d, 0, 8, 2, 10, 4, 12, 6, 14) + __builtin_shufflevector(c, d, 1, 9, 3, 11, 5, 13, 7, 15);
    calor_f32x8 r = __builtin_shufflevector(p, q, 0, 1, 8, 9, 4, 5, 12, 13) + __builtin_shufflevector(p, q, 2, 3, 10, 11, 6, 7, 14, 15);
    calor_f32x8 zero = {0};
    return __builtin_shufflevector(r, zero, 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(r, zero, 4, 5, 6, 7, 8, 9, 10, 11);
}
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_sums(
    calor_f32x16 a, calor_f32x16 b, calor_f32x16 c, calor_f32x16 d) {
    calor_f32x16 p = __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
                     __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    calor_f32x16 q = __builtin_shufflevector(c, d, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
                     __builtin_shufflevector(c, d, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    calor_f32x16 r = __builtin_shufflevector(p, q, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
                     __builtin_shufflevector(p, q, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    calor_f32x16 zero = {0};
    return __builtin_shufflevector(r, zero, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 16, 17, 18, 19) +
           __builtin_shufflevector(r, zero, 4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 16, 17, 18, 19);
}

#include "CCalorShuffle.h"
