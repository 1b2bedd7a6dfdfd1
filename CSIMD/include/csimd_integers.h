/// Loops over vectors of small integers.
#ifndef CSIMD_INTEGERS_H
#define CSIMD_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

/// Splits `x[i] + add = 2^shift h + limb` with `0 <= limb < 2^shift`, sums modulo 2^32 and shifts of 0 to 30, and
/// stores `limb` and `h + offset`, each modulo its width. Widths are bytes of an integer: 2 or 4 for x, 1, 2 or 4 for
/// the results. The three vectors do not overlap. Returns whether some `h + offset`, modulo 2^32, is outside
/// `low..high`.
int csimd_split(
    const void *x, int x_width, size_t count, int32_t add, int shift, int32_t offset, int32_t low, int32_t high,
    void *limb, int limb_width, void *quotient, int quotient_width);

#endif
