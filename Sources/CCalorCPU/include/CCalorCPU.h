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
void calor_float_mode_restore(uint32_t mode);

// Eight floats at a time, for the kernel targets only (they have the flags for such registers). Swift's own `addingProduct` and
// `squareRoot` on SIMD types are loops over lanes that the optimiser puts together again only where it recognises them.
typedef float calor_f32x8 __attribute__((ext_vector_type(8)));

// a · b + c, rounded once.
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_fma(calor_f32x8 a, calor_f32x8 b, calor_f32x8 c) {
    return __builtin_elementwise_fma(a, b, c);
}
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_sqrt(calor_f32x8 a) { return __builtin_elementwise_sqrt(a); }
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_floor(calor_f32x8 a) { return __builtin_elementwise_floor(a); }
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_ceil(calor_f32x8 a) { return __builtin_elementwise_ceil(a); }
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x8_roundeven(calor_f32x8 a) {
    return __builtin_elementwise_roundeven(a);
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
static inline __attribute__((always_inline)) calor_f32x16 calor_f32x16_join(calor_f32x8 low, calor_f32x8 high) {
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x16_low(calor_f32x16 a) {
    return __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7);
}
static inline __attribute__((always_inline)) calor_f32x8 calor_f32x16_high(calor_f32x16 a) {
    return __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
}
