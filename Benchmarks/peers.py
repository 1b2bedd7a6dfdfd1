"""Measures what other people's libraries take for the same work, on one thread, and writes it for `bench --peers`.

Each peer is a function that yields (kernel, name, value, unit, source); a peer that cannot be imported or fails is
reported and left out. Times are the least of several, in processor time.
"""

import ctypes
import glob
import importlib.metadata
import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

GOLDILOCKS = 2**64 - 2**32 + 1
BN254 = 21888242871839275222246405745257275088548364400416034343698204186575808495617


def fastest(body, seconds=0.6):
    """The least processor time of `body`, after one call that is not timed."""
    body()
    best, spent = float("inf"), 0.0
    while spent < seconds:
        start = time.process_time()
        body()
        took = time.process_time() - start
        best, spent = min(best, took), spent + max(took, 1e-6)
    return best


def version(package):
    return f"{package} {importlib.metadata.version(package)}"


def exact(name):
    """A kernel's name as the regular expression that matches it alone."""
    return name.replace("^", r"\^").replace(".", r"\.").replace("(", r"\(").replace(")", r"\)")


def blake3_message():
    import blake3

    for size, kernel in ((1 << 20, "blake3.message/1 MiB"), (16384, "blake3.rows/16384 B"), (1024, "blake3.rows/1024 B")):
        data = os.urandom(size)
        count = max(1, (1 << 20) // size)

        def body():
            for _ in range(count):
                blake3.blake3(data, max_threads=1).digest()

        rate = count * size / fastest(body)
        yield kernel, version("blake3"), rate / 1e9, "GB/s", f"messages of {size} bytes, one thread, from Python"


def sha256_message():
    import hashlib
    import ssl

    for size, kernel in ((1 << 20, "sha256.message/1 MiB"), (16384, "sha256.rows/16384 B"), (1024, "sha256.rows/1024 B")):
        data = os.urandom(size)
        count = max(1, (1 << 20) // size)

        def body():
            for _ in range(count):
                hashlib.sha256(data).digest()

        rate = count * size / fastest(body)
        name = "hashlib, " + " ".join(ssl.OPENSSL_VERSION.split()[:2])
        yield kernel, name, rate / 1e9, "GB/s", f"messages of {size} bytes, one thread, from Python"


def galois_transform():
    import galois
    import numpy

    # Mersenne-31 has no roots of unity of order 2^20, and galois computes in Python objects for primes that do not fit half a word:
    # the same size over a prime of 31 bits that has them.
    prime, size = 15 * 2**27 + 1, 1 << 20
    x = galois.GF(prime)(numpy.random.default_rng(1).integers(0, prime, size))
    seconds = fastest(lambda: galois.ntt(x, size=size, modulus=prime), 0.1)
    yield "m31.transform/2^20 x 1", version("galois"), seconds * 1e3, "ms", "galois.ntt of 2^20 over 15 * 2^27 + 1"


def flint_transform():
    import random

    import flint

    source = "a third of a product of two polynomials of 2^19 terms, which takes three transforms of 2^20"
    name = f"FLINT {flint.__FLINT_VERSION__} (python-flint {importlib.metadata.version('python-flint')})"
    rng = random.Random(1)
    x = [rng.randrange(GOLDILOCKS) for _ in range(1 << 19)]
    a, b = flint.nmod_poly(x, GOLDILOCKS), flint.nmod_poly(x[::-1], GOLDILOCKS)
    yield "goldilocks.transform/2^20 x 1", name, fastest(lambda: a * b, 1) / 3 * 1e3, "ms", source
    polynomials = flint.fmpz_mod_poly_ctx(flint.fmpz_mod_ctx(BN254))
    x = [rng.randrange(BN254) for _ in range(1 << 19)]
    c, d = polynomials(x), polynomials(x[::-1])
    yield "bn254.transform/2^20 x 1", name, fastest(lambda: c * d, 1) / 3 * 1e3, "ms", source


SHAPES = ((1024, 1024, 1024), (64, 3072, 768))


def onnxruntime_gemm():
    import numpy
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    rng = numpy.random.default_rng(1)
    for m, n, k in SHAPES:
        a = rng.integers(-128, 128, (m, k), numpy.int8)
        b = rng.integers(-128, 128, (k, n), numpy.int8)
        # The second factor is a constant, which ONNX Runtime packs once: an advantage that our kernel does not take.
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("MatMulInteger", ["a", "b"], ["c"])], "product",
            [onnx.helper.make_tensor_value_info("a", onnx.TensorProto.INT8, [m, k])],
            [onnx.helper.make_tensor_value_info("c", onnx.TensorProto.INT32, [m, n])],
            [onnx.numpy_helper.from_array(b, "b")])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        got = session.run(None, {"a": a})[0]
        if not numpy.array_equal(got[:4], a[:4].astype(numpy.int32) @ b.astype(numpy.int32)):
            raise RuntimeError("ONNX Runtime's product is wrong")
        seconds = fastest(lambda: session.run(None, {"a": a}))
        yield (f"gemm.int8/{m} x {n} x {k}", version("onnxruntime"), m * n * k / seconds / 1e9, "G/s",
               "MatMulInteger, second factor packed beforehand")


def onednn_gemm():
    import numpy

    library = ctypes.CDLL(glob.glob(os.path.join(sys.prefix, "lib", "libdnnl.so*"))[0])
    product = library.dnnl_gemm_s8s8s32
    c_long, c_float, pointer = ctypes.c_int64, ctypes.c_float, ctypes.c_void_p
    product.argtypes = ([ctypes.c_char] * 3 + [c_long] * 3 + [c_float, pointer, c_long, ctypes.c_int8]
                        + [pointer, c_long, ctypes.c_int8, c_float, pointer, c_long, pointer])
    rng = numpy.random.default_rng(1)
    for m, n, k in SHAPES:
        a = rng.integers(-128, 128, (m, k), numpy.int8)
        b = rng.integers(-128, 128, (n, k), numpy.int8)
        c = numpy.zeros((m, n), numpy.int32)
        zero = numpy.zeros(1, numpy.int32)

        def body():
            status = product(b"N", b"T", b"F", m, n, k, 1.0, a.ctypes.data, k, 0, b.ctypes.data, k, 0, 0.0,
                             c.ctypes.data, n, zero.ctypes.data)
            if status != 0:
                raise RuntimeError(f"oneDNN says {status}")

        body()
        if not numpy.array_equal(c[:4], a[:4].astype(numpy.int32) @ b.T.astype(numpy.int32)):
            raise RuntimeError("oneDNN's product is wrong")
        yield (f"gemm.int8/{m} x {n} x {k}", "oneDNN " + importlib.metadata.version("onednn-cpu-gomp"),
               m * n * k / fastest(body) / 1e9, "G/s", "dnnl_gemm_s8s8s32 on the same row-major factors")


PEERS = [blake3_message, sha256_message, galois_transform, flint_transform, onnxruntime_gemm, onednn_gemm]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: peers.py FILE")
    found = []
    for peer in PEERS:
        try:
            for kernel, name, value, unit, source in peer():
                found.append({"kernel": exact(kernel), "name": name, "value": value, "unit": unit, "source": source})
                print(f"{name}: {value:.3g} {unit} for {kernel}", file=sys.stderr)
        except Exception as error:  # whatever a foreign library does, the others still count
            print(f"peer missing: {peer.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
    with open(sys.argv[1], "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
