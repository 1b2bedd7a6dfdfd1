/// Exact integer matrix products for the interpreter.
#ifndef CSIMD_GEMM_H
#define CSIMD_GEMM_H

#include <stddef.h>
#include <stdint.h>

/// `c[i * n + j]` = sum over l of `a[i * k + l] * b[j * k + l]`, for `i < m`, `j < n`, `l < k`: both factors
/// row-major with the summed index contiguous. The caller answers for every sum fitting 32 bits; partial sums may
/// not. Any sizes, zero included. Runs on all threads.
void csimd_gemm_s8(const int8_t *a, const int8_t *b, int32_t *c, size_t m, size_t n, size_t k);

/// `csimd_gemm_s8` of matrices whose rows are `lda`, `ldb` and `ldc` entries apart.
void csimd_gemm_s8_strided(
    const int8_t *a, size_t lda, const int8_t *b, size_t ldb, int32_t *c, size_t ldc, size_t m, size_t n, size_t k);

/// Bytes of a factor `b` arranged for `csimd_gemm_s8_packed`, or 0 where the kernel for such a product reads it as it
/// is: few rows or columns, nothing to sum, another processor level.
size_t csimd_gemm_s8_packed_bytes(size_t m, size_t n, size_t k);

/// Arranges `n` rows of `k` entries, where there are bytes for it, aligned to 64: worth it for a factor of many
/// products.
void csimd_gemm_s8_pack(const int8_t *b, size_t n, size_t k, void *packed);

/// `csimd_gemm_s8` with `b` and, unless null, the same arranged. `b` is read where that is of no use: few rows in
/// `a`, or another processor level than when it was made.
void csimd_gemm_s8_packed(
    const int8_t *a, const int8_t *b, const void *packed, int32_t *c, size_t m, size_t n, size_t k);

/// `c[i * ldc + j]` = sum over l of `a[i * lda + l] * b[l * ldb + j]`, for `i < m`, `j < n`, `l < k`, modulo 2^32: the
/// rows of `b` go by the summed index. Any sizes, zero included. Runs on all threads.
void csimd_gemm_s16_s8(
    const int16_t *a, size_t lda, const int8_t *b, size_t ldb, int32_t *c, size_t ldc, size_t m, size_t n, size_t k);

/// `csimd_gemm_s8` for 16-bit factors, with 64-bit sums, exact for `k` below 2^31.
void csimd_gemm_s16(const int16_t *a, const int16_t *b, int64_t *c, size_t m, size_t n, size_t k);

#endif
