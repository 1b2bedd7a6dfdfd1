/// Copies that calls of memcpy, one for each piece, would spend more on than on the bytes.
#ifndef CSIMD_COPY_H
#define CSIMD_COPY_H

#include <stddef.h>

/// `count` pieces of `bytes` bytes from every `from_stride`-th byte on to every `to_stride`-th; source and target do
/// not overlap.
void csimd_copy_pieces(const void *from, size_t from_stride, void *to, size_t to_stride, size_t bytes, size_t count);

#endif
