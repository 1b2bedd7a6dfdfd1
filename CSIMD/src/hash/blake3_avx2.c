#include "blake3_internal.h"

#if defined(__x86_64__)

#include "lanes_avx2.h"

#include <string.h>

#include "blake3_lanes.h"

const struct csimd_blake3_kernels csimd_blake3_avx2 = {LANES, messages, chunks, parents};

#endif
