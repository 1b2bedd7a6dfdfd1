import CSIMD
import Tensors
import Transcripts

/// Inner nodes of 64 bytes, rows, one long message, and a tree; only nodes and rows of a slow hash.
func hashKernels(_ hash: HashFunction, isSlow: Bool = false) -> [Kernel] {
    let name = hash.rawValue
    func rows(_ bytes: Int, _ count: Int) -> Kernel {
        Kernel(name: "\(name).rows/\(bytes) B", count: bytes * count, unit: "byte") {
            let data = integers(bytes * count, UInt8.self)
            let digests = AlignedBuffer<Digest>(repeating: .zero, count: count)
            return Run { hash.hashRows(data.pointer, rowBytes: bytes, rowCount: count, into: digests.pointer) }
        }
    }
    let nodes = Kernel(name: "\(name).nodes/L2", count: 2048, unit: "node") {
        let nodes = AlignedBuffer<Digest>(repeating: .zero, count: 4096)
        let parents = AlignedBuffer<Digest>(repeating: .zero, count: 2048)
        return Run { hash.hashPairs(nodes.pointer, pairCount: 2048, into: parents.pointer) }
    }
    if isSlow { return [nodes, rows(1024, 256)] }
    return [
        nodes, rows(64, 4096), rows(1024, 256), rows(16384, 64),
        Kernel(name: "\(name).message/1 MiB", count: 1 << 20, unit: "byte") {
            let data = integers(1 << 20, UInt8.self)
            return Run { consume(hash.hash(UnsafeRawBufferPointer(start: data.pointer, count: data.count))) }
        },
        Kernel(name: "\(name).tree/2^20", count: (1 << 20) - 1, unit: "node", threads: true) {
            let leaves = AlignedBuffer<Digest>(repeating: .zero, count: 1 << 20)
            return Run { consume(MerkleTree(leaves: leaves, capHeight: 0, hash: hash).cap[0]) }
        },
    ]
}

/// Exact integer matrix products, square and of a transformer's shape.
func gemmKernels() -> [Kernel] {
    [(1024, 1024, 1024), (64, 3072, 768)].flatMap { m, n, k in
        let work = m * n * k
        return [
            Kernel(
                name: "gemm.int8/\(m) x \(n) x \(k)", count: work, unit: "multiply-add",
                work: (.dot, Double(work) / 64),
                threads: true
            ) {
                let (a, b) = (integers(m * k, Int8.self), integers(n * k, Int8.self))
                let c = AlignedBuffer<Int32>(uninitialized: m * n)
                return Run { csimd_gemm_s8(a.pointer, b.pointer, c.pointer, m, n, k) }
            },
            Kernel(name: "gemm.int16/\(m) x \(n) x \(k)", count: work, unit: "multiply-add", threads: true) {
                let (a, b) = (integers(m * k, Int16.self), integers(n * k, Int16.self))
                let c = AlignedBuffer<Int64>(uninitialized: m * n)
                return Run { csimd_gemm_s16(a.pointer, b.pointer, c.pointer, m, n, k) }
            },
            Kernel(name: "gemm.int16 by int8/\(m) x \(n) x \(k)", count: work, unit: "multiply-add", threads: true) {
                let (a, b) = (integers(m * k, Int16.self), integers(n * k, Int8.self))
                let c = AlignedBuffer<Int32>(uninitialized: m * n)
                return Run { csimd_gemm_s16_s8(a.pointer, k, b.pointer, n, c.pointer, n, m, n, k) }
            },
        ]
    }
}

/// Loops over small integers, as the witness has them: accumulators split into what is rounded away and the rest.
func integerKernels() -> [Kernel] {
    let count = 1 << 14
    return [
        Kernel(name: "integers.split/L2", count: count, unit: "element") {
            let x = integers(count, Int32.self)
            let limbs = AlignedBuffer<Int16>(uninitialized: count)
            let quotients = AlignedBuffer<Int16>(uninitialized: count)
            return Run {
                let isInside = IntegerPointer.int32(x.pointer).split(
                    count: count, addend: 1 << 12, shift: 13, offset: 0, range: Int32.min...Int32.max,
                    limbs: .int16(limbs.pointer), quotients: .int16(quotients.pointer))
                consume(isInside)
                consume(limbs.pointer[0])
                consume(quotients.pointer[0])
            }
        }
    ]
}
