/// Exact integer matrix products for the interpreter.
#ifndef CSIMD_GEMM_H
#define CSIMD_GEMM_H

#include <stddef.h>
#include <stdint.h>

/// `c[i * n + j]` = sum over l of `a[i * k + l] * b[j * k + l]`, for `i < m`, `j < n`, `l < k`: both factors
/// row-major with the summed index contiguous. The caller answers for every sum fitting 32 bits; partial sums may
/// not. Any sizes, zero included. Runs on all threads.
void csimd_gemm_s8(const int8_t *a, const int8_t *b, int32_t *c, size_t m, size_t n, size_t k);

/// The same for 16-bit factors, with 64-bit sums, exact for `k` below 2^31.
void csimd_gemm_s16(const int16_t *a, const int16_t *b, int64_t *c, size_t m, size_t n, size_t k);

#endif
