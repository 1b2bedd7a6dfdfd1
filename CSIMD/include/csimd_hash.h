#ifndef CSIMD_HASH_H
#define CSIMD_HASH_H
#endif
