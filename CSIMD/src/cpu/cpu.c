#include "csimd_cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int current_level = -1;

csimd_level csimd_supported_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma"))) {
        return CSIMD_LEVEL_PORTABLE;
    }
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vnni")) {
        return CSIMD_LEVEL_AVX512;
    }
    return CSIMD_LEVEL_AVX2;
#else
    return CSIMD_LEVEL_PORTABLE;
#endif
}

csimd_level csimd_set_level(csimd_level level) {
    csimd_level best = csimd_supported_level();
    csimd_level chosen = level < best ? level : best;
    atomic_store_explicit(&current_level, (int)chosen, memory_order_relaxed);
    return chosen;
}

csimd_level csimd_current_level(void) {
    int level = atomic_load_explicit(&current_level, memory_order_relaxed);
    if (level >= 0) {
        return (csimd_level)level;
    }
    const char *asked = getenv("CSIMD_LEVEL");
    csimd_level wanted = CSIMD_LEVEL_AVX512;
    if (asked != NULL && strcmp(asked, "portable") == 0) {
        wanted = CSIMD_LEVEL_PORTABLE;
    } else if (asked != NULL && strcmp(asked, "avx2") == 0) {
        wanted = CSIMD_LEVEL_AVX2;
    }
    return csimd_set_level(wanted);
}

int csimd_has_sha(void) {
#if defined(__x86_64__)
    if (csimd_current_level() == CSIMD_LEVEL_PORTABLE) {
        return 0;
    }
    unsigned eax = 7, ebx = 0, ecx = 0, edx = 0;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return (ebx >> 29) & 1;
#else
    return 0;
#endif
}
