#include "../../include/csimd_cpu.h"
#include "../../include/csimd_goldilocks.h"
#include "challenge_table.h"
#include "scalar.h"

extern const struct challenge_table goldilocks_portable_challenge;
extern const struct challenge_table goldilocks_avx2_challenge;
extern const struct challenge_table goldilocks_avx512_challenge;

static inline const struct challenge_table *wide_table(void) {
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        return &goldilocks_avx512_challenge;
    case CSIMD_LEVEL_AVX2:
        return &goldilocks_avx2_challenge;
    default:
        break;
    }
#endif
    return NULL;
}

static inline void sum_add(u64 *a, const u64 *b) {
    a[0] = gl_add(a[0], b[0]);
    a[1] = gl_add(a[1], b[1]);
}

#define WORDS 2
#define PUBLIC(x) csimd_goldilocks_##x
#define PORTABLE() (&goldilocks_portable_challenge)
#define WIDE() wide_table()
#include "challenge_dispatch.h"
