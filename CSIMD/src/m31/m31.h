/// What the files of this folder share: the table of kernels that a level provides.
#ifndef CSIMD_SRC_M31_H
#define CSIMD_SRC_M31_H

#include "csimd_cpu.h"
#include "csimd_m31.h"

#define M31_P 0x7fffffffu

typedef struct m31_kernels {
    void (*embed_s8)(const int8_t *, uint32_t *, size_t);
    void (*embed_s16)(const int16_t *, uint32_t *, size_t);
    void (*embed_s32)(const int32_t *, uint32_t *, size_t);
    void (*embed_s64)(const int64_t *, uint32_t *, size_t);
    void (*base_add_scaled)(const uint32_t *, uint32_t, uint32_t *, size_t);
    void (*widen)(const uint32_t *, uint32_t *, size_t);
    void (*add)(const uint32_t *, const uint32_t *, uint32_t *, size_t);
    void (*mul)(const uint32_t *, const uint32_t *, uint32_t *, size_t);
    void (*add_scaled)(const uint32_t *, csimd_qm31, uint32_t *, size_t);
    void (*scale)(const uint32_t *, csimd_qm31, uint32_t *, size_t);
    void (*add_scaled_base)(const uint32_t *, csimd_qm31, uint32_t *, size_t);
    csimd_qm31 (*inner)(const uint32_t *, const uint32_t *, size_t);
    csimd_qm31 (*inner_base)(const uint32_t *, const uint32_t *, size_t);
    void (*expand)(uint32_t *, size_t, csimd_qm31);
    void (*fold)(const uint32_t *, csimd_qm31, uint32_t *, size_t);
    void (*fold_base)(const uint32_t *, csimd_qm31, uint32_t *, size_t);
    void (*fold_pairs)(const uint32_t *, csimd_qm31, uint32_t *, size_t);
    void (*round2)(const uint32_t *, const uint32_t *, size_t, csimd_qm31 *);
    void (*round3)(const uint32_t *, const uint32_t *, const uint32_t *, size_t, csimd_qm31 *);
    void (*round_weighted2)(const uint32_t *, const uint32_t *, const uint32_t *, size_t, csimd_qm31 *);
    void (*round_fractions)(const uint32_t *, const uint32_t *, const uint32_t *, csimd_qm31, size_t, csimd_qm31 *);
    void (*add_fractions)(const uint32_t *, const uint32_t *, uint32_t *, uint32_t *, size_t);
    void (*interleave)(const uint32_t *, size_t, size_t, uint32_t *, size_t);
    void (*circle_encode)(
        uint32_t *, size_t, size_t, unsigned, unsigned, const uint32_t *const *, const uint32_t *, size_t);
} m31_kernels;

extern const m31_kernels m31_portable;
#if defined(__x86_64__)
extern const m31_kernels m31_avx2;
extern const m31_kernels m31_avx512;
#endif

#endif
