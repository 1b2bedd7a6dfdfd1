#ifndef CSIMD_GEMM_H
#define CSIMD_GEMM_H
#endif
