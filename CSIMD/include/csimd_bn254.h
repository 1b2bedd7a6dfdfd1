#ifndef CSIMD_BN254_H
#define CSIMD_BN254_H
#endif
