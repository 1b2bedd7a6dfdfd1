#define _GNU_SOURCE
#include "machine.h"

#include <time.h>

double machine_thread_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double machine_wall_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static uint64_t read512(const uint64_t *data, size_t words) {
    // Several sums, so that additions do not wait for each other.
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    size_t i = 0;
    for (; i + 32 <= words; i += 32) {
        a = _mm512_add_epi64(a, _mm512_loadu_si512(data + i));
        b = _mm512_add_epi64(b, _mm512_loadu_si512(data + i + 8));
        c = _mm512_add_epi64(c, _mm512_loadu_si512(data + i + 16));
        d = _mm512_add_epi64(d, _mm512_loadu_si512(data + i + 24));
    }
    uint64_t sum = (uint64_t)_mm512_reduce_add_epi64(
        _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d)));
    for (; i < words; i++) sum += data[i];
    return sum;
}

uint64_t machine_read(const uint64_t *data, size_t words) {
    if (__builtin_cpu_supports("avx512f")) return read512(data, words);
    uint64_t sum = 0;
    for (size_t i = 0; i < words; i++) sum += data[i];
    return sum;
}

// 16 chains hide the latency of the accumulating instructions; zmm16 to 31 accumulate, zmm0 and 1 are factors. In assembly, since a
// compiler that sees constants in a loop computes them beforehand.
#define ONE(op, r) op " %%zmm1, %%zmm0, %%zmm" #r "\n\t"
#define SIXTEEN(op)                                                                                                    \
    ONE(op, 16) ONE(op, 17) ONE(op, 18) ONE(op, 19) ONE(op, 20) ONE(op, 21) ONE(op, 22) ONE(op, 23) ONE(op, 24)        \
    ONE(op, 25) ONE(op, 26) ONE(op, 27) ONE(op, 28) ONE(op, 29) ONE(op, 30) ONE(op, 31)
#define LOOP(op)                                                                                                       \
    for (size_t i = 0; i < rounds; i++) {                                                                              \
        __asm__ volatile(SIXTEEN(op) SIXTEEN(op)::: "zmm16", "zmm17", "zmm18", "zmm19", "zmm20", "zmm21", "zmm22",     \
                         "zmm23", "zmm24", "zmm25", "zmm26", "zmm27", "zmm28", "zmm29", "zmm30", "zmm31");             \
    }                                                                                                                  \
    __m512i last;                                                                                                      \
    __asm__ volatile("vmovdqa64 %%zmm31, %0" : "=v"(last));                                                            \
    *sink += (uint64_t)_mm512_reduce_add_epi64(last);                                                                  \
    return 1

__attribute__((target("avx512f,avx512vnni"))) static int dot(size_t rounds, uint64_t *sink) { LOOP("vpdpbusd"); }
__attribute__((target("avx512f"))) static int multiply(size_t rounds, uint64_t *sink) { LOOP("vpmuludq"); }
__attribute__((target("avx512f,avx512ifma"))) static int madd52(size_t rounds, uint64_t *sink) {
    LOOP("vpmadd52luq");
}

int machine_dot(size_t rounds, uint64_t *sink) {
    return __builtin_cpu_supports("avx512vnni") ? dot(rounds, sink) : 0;
}
int machine_multiply(size_t rounds, uint64_t *sink) {
    return __builtin_cpu_supports("avx512f") ? multiply(rounds, sink) : 0;
}
int machine_madd52(size_t rounds, uint64_t *sink) {
    return __builtin_cpu_supports("avx512ifma") ? madd52(rounds, sink) : 0;
}
#else
uint64_t machine_read(const uint64_t *data, size_t words) {
    uint64_t sum = 0;
    for (size_t i = 0; i < words; i++) sum += data[i];
    return sum;
}
int machine_dot(size_t rounds, uint64_t *sink) { return (void)rounds, (void)sink, 0; }
int machine_multiply(size_t rounds, uint64_t *sink) { return (void)rounds, (void)sink, 0; }
int machine_madd52(size_t rounds, uint64_t *sink) { return (void)rounds, (void)sink, 0; }
#endif
