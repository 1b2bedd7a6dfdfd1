/// Instruction-set levels and the run-time choice between them.
#ifndef CSIMD_CPU_H
#define CSIMD_CPU_H

typedef enum csimd_level {
    CSIMD_LEVEL_PORTABLE = 0,
    /// AVX2 with BMI2 and FMA.
    CSIMD_LEVEL_AVX2 = 1,
    /// AVX-512 F, BW, DQ, VL, IFMA, VBMI, VNNI.
    CSIMD_LEVEL_AVX512 = 2,
} csimd_level;

/// The level in use: the best that the processor has, unless the environment variable `CSIMD_LEVEL`
/// (`portable`, `avx2` or `avx512`) or `csimd_set_level` asks for a lower one.
csimd_level csimd_current_level(void);

/// The best level that the processor and the operating system support, whatever was asked for.
csimd_level csimd_supported_level(void);

/// Sets the level for the whole process, clamped to `csimd_supported_level()`; returns what is now in use.
/// For tests. Not to be called while kernels run.
csimd_level csimd_set_level(csimd_level level);

/// Non-zero if the SHA extensions are there and the level in use is not portable.
int csimd_has_sha(void);

#endif
