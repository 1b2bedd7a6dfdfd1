import Fields

/// All kernels. A new one is a `Kernel` in one of these lists, or a list of its own here; if something is to be reached or
/// beaten, a line in `targets.json` says what, and `peers.py` measures it.
@MainActor let suite: [Kernel] =
    fieldKernels(Mersenne31.self)
    + fieldKernels(GoldilocksField.self)
    + fieldKernels(BN254ScalarField.self)
    + transformKernels(Mersenne31.self, columns: [1, 16, 64])
    + transformKernels(GoldilocksField.self, columns: [1, 8, 64])
    + transformKernels(BN254ScalarField.self, columns: [1])
    + encodingKernels(Mersenne31.self)
    + encodingKernels(GoldilocksField.self)
    + encodingKernels(BN254ScalarField.self)
    + commitKernels(Mersenne31.self)
    + commitKernels(GoldilocksField.self)
    + commitKernels(BN254ScalarField.self)
    + orionKernels(Mersenne31.self)
    + sumcheckKernels(Mersenne31.self)
    + sumcheckKernels(GoldilocksField.self)
    + sumcheckKernels(BN254ScalarField.self)
    + hashKernels(.blake3)
    + hashKernels(.sha256)
    + hashKernels(.keccak256)
    + hashKernels(.poseidon2M31, isSlow: true)
    + hashKernels(.poseidon2Goldilocks, isSlow: true)
    + hashKernels(.poseidon2BN254, isSlow: true)
    + gemmKernels()
    + curveKernels()
