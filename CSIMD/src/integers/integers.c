/// Chooses the loops over small integers; and the portable ones.
#include "integers.h"

#include "csimd_cpu.h"

#define TARGET
#define LOOPS split_portable
#include "integers_loops.h"

static int logarithm(int width) { return width == 1 ? 0 : width == 2 ? 1 : 2; }

int csimd_split(
    const void *x, int x_width, size_t count, int32_t add, int shift, int32_t offset, int32_t low, int32_t high,
    void *limb, int limb_width, void *quotient, int quotient_width) {
    const split_loops *loops = &split_portable;
#if defined(__x86_64__)
    const csimd_level level = csimd_current_level();
    if (level >= CSIMD_LEVEL_AVX512) {
        loops = &split_avx512;
    } else if (level >= CSIMD_LEVEL_AVX2) {
        loops = &split_avx2;
    }
#endif
    const split_task task = {
        .x = x, .count = count, .add = add, .offset = offset, .low = low, .high = high, .shift = shift, .limb = limb,
        .quotient = quotient};
    return (*loops)[logarithm(x_width) - 1][logarithm(limb_width)][logarithm(quotient_width)](&task);
}
