#pragma once
#include <stddef.h>
#include <string.h>

// Shuffles of eight floats, for the kernel targets only: Swift's SIMD types have none that the optimiser turns into single instructions.
typedef float calor_lanes8 __attribute__((ext_vector_type(8)));

#define CALOR_LOAD8(v, p) memcpy(&v, p, sizeof v)
#define CALOR_STORE8(p, v) memcpy(p, &v, sizeof v)

// Eight rows of eight floats, `from_stride` apart, become the columns of `to`, every number times `scale`.
static inline __attribute__((always_inline)) void calor_transpose8(
    const float *from, ptrdiff_t from_stride, float *to, ptrdiff_t to_stride, float scale) {
    calor_lanes8 a, b, c, d, e, f, g, h;
    CALOR_LOAD8(a, from);
    CALOR_LOAD8(b, from + from_stride);
    CALOR_LOAD8(c, from + 2 * from_stride);
    CALOR_LOAD8(d, from + 3 * from_stride);
    CALOR_LOAD8(e, from + 4 * from_stride);
    CALOR_LOAD8(f, from + 5 * from_stride);
    CALOR_LOAD8(g, from + 6 * from_stride);
    CALOR_LOAD8(h, from + 7 * from_stride);
    // Pairs of rows, then pairs of pairs, inside each half; then the halves.
    calor_lanes8 ab0 = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13), ab1 = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    calor_lanes8 cd0 = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13), cd1 = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    calor_lanes8 ef0 = __builtin_shufflevector(e, f, 0, 8, 1, 9, 4, 12, 5, 13), ef1 = __builtin_shufflevector(e, f, 2, 10, 3, 11, 6, 14, 7, 15);
    calor_lanes8 gh0 = __builtin_shufflevector(g, h, 0, 8, 1, 9, 4, 12, 5, 13), gh1 = __builtin_shufflevector(g, h, 2, 10, 3, 11, 6, 14, 7, 15);
    calor_lanes8 p0 = __builtin_shufflevector(ab0, cd0, 0, 1, 8, 9, 4, 5, 12, 13), p1 = __builtin_shufflevector(ab0, cd0, 2, 3, 10, 11, 6, 7, 14, 15);
    calor_lanes8 p2 = __builtin_shufflevector(ab1, cd1, 0, 1, 8, 9, 4, 5, 12, 13), p3 = __builtin_shufflevector(ab1, cd1, 2, 3, 10, 11, 6, 7, 14, 15);
    calor_lanes8 q0 = __builtin_shufflevector(ef0, gh0, 0, 1, 8, 9, 4, 5, 12, 13), q1 = __builtin_shufflevector(ef0, gh0, 2, 3, 10, 11, 6, 7, 14, 15);
    calor_lanes8 q2 = __builtin_shufflevector(ef1, gh1, 0, 1, 8, 9, 4, 5, 12, 13), q3 = __builtin_shufflevector(ef1, gh1, 2, 3, 10, 11, 6, 7, 14, 15);
    calor_lanes8 r;
#define CALOR_COLUMN(i, p, q, ...) \
    r = __builtin_shufflevector(p, q, __VA_ARGS__) * scale; \
    CALOR_STORE8(to + (i) * to_stride, r)
    CALOR_COLUMN(0, p0, q0, 0, 1, 2, 3, 8, 9, 10, 11);
    CALOR_COLUMN(1, p1, q1, 0, 1, 2, 3, 8, 9, 10, 11);
    CALOR_COLUMN(2, p2, q2, 0, 1, 2, 3, 8, 9, 10, 11);
    CALOR_COLUMN(3, p3, q3, 0, 1, 2, 3, 8, 9, 10, 11);
    CALOR_COLUMN(4, p0, q0, 4, 5, 6, 7, 12, 13, 14, 15);
    CALOR_COLUMN(5, p1, q1, 4, 5, 6, 7, 12, 13, 14, 15);
    CALOR_COLUMN(6, p2, q2, 4, 5, 6, 7, 12, 13, 14, 15);
    CALOR_COLUMN(7, p3, q3, 4, 5, 6, 7, 12, 13, 14, 15);
#undef CALOR_COLUMN
}
