#include "CCalorCPU.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <string.h>
#include <xmmintrin.h>

// The state that the operating system saves at a context switch (XCR0), zero when it says nothing.
static uint64_t saved_state(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return 0;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

static const uint64_t ymm_state = 0x6, zmm_state = 0xe6;

bool calor_cpu_has_avx2(void) {
    unsigned a, b, c, d;
    if ((saved_state() & ymm_state) != ymm_state) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 5));
}

bool calor_cpu_has_fma(void) {
    unsigned a, b, c, d;
    if ((saved_state() & ymm_state) != ymm_state) return false;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 12));
}

bool calor_cpu_has_avx512(void) {
    unsigned a, b, c, d;
    const unsigned wanted = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);
    if ((saved_state() & zmm_state) != zmm_state) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & wanted) == wanted;
}

void calor_cpu_brand(char name[64]) {
    unsigned words[12];
    memset(name, 0, 64);
    for (unsigned i = 0; i < 3; i++) {
        unsigned *w = words + 4 * i;
        if (!__get_cpuid(0x80000002u + i, w, w + 1, w + 2, w + 3)) return;
    }
    memcpy(name, words, sizeof words);
}

uint32_t calor_float_mode_flush_denormals(void) {
    uint32_t mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040u);  // flush to zero, denormals are zero
    return mode;
}

uint32_t calor_float_mode_keep_denormals(void) {
    uint32_t mode = _mm_getcsr();
    _mm_setcsr(mode & ~0x8040u);
    return mode;
}

void calor_float_mode_restore(uint32_t mode) { _mm_setcsr(mode); }

#else

bool calor_cpu_has_avx2(void) { return false; }
bool calor_cpu_has_fma(void) { return false; }
bool calor_cpu_has_avx512(void) { return false; }
void calor_cpu_brand(char name[64]) { name[0] = 0; }

#if defined(__aarch64__)
uint32_t calor_float_mode_flush_denormals(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | (1ull << 24)));
    return (uint32_t)mode;
}
uint32_t calor_float_mode_keep_denormals(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode & ~(1ull << 24)));
    return (uint32_t)mode;
}
void calor_float_mode_restore(uint32_t mode) {
    uint64_t wide = mode;
    __asm__ volatile("msr fpcr, %0" : : "r"(wide));
}
#else
uint32_t calor_float_mode_flush_denormals(void) { return 0; }
uint32_t calor_float_mode_keep_denormals(void) { return 0; }
void calor_float_mode_restore(uint32_t mode) { (void)mode; }
#endif
#endif
