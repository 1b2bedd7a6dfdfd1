/// The whole interface of the C SIMD core. Every kernel has a portable form; AVX2 and AVX-512 forms are chosen at
/// run time (see csimd_cpu.h).
#ifndef CSIMD_H
#define CSIMD_H

#include "csimd_cpu.h"
#include "csimd_copy.h"
#include "csimd_parallel.h"
#include "csimd_hash.h"
#include "csimd_m31.h"
#include "csimd_goldilocks.h"
#include "csimd_bn254.h"
#include "csimd_gemm.h"
#include "csimd_integers.h"

#endif
