#include "sha256_internal.h"

#if defined(__x86_64__)

#include "lanes_avx2.h"

#include "sha256_lanes.h"

const struct csimd_sha256_kernels csimd_sha256_avx2 = {LANES, csimd_sha256_portable_one, many, nodes};

#endif
