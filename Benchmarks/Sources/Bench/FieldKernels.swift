import Fields
import Tensors

/// How much data a kernel gets.
enum Place: String {
    /// 24 KiB for all vectors together.
    case nearest = "L1"
    /// 64 MiB for each vector of challenges.
    case memory

    func count<F: ProofField>(_: F.Type, vectors: Int = 3) -> Int {
        switch self {
        case .nearest: (24 << 10) / (vectors * F.Challenge.byteCount) & ~15
        case .memory: (64 << 20) / F.Challenge.byteCount
        }
    }
}

/// Every bulk operation of `ProofField` but the code, on vectors in cache and, where memory may bound it, beyond.
func fieldKernels<F: ProofField>(_ field: F.Type) -> [Kernel] {
    typealias E = F.Challenge
    typealias B = F.Base
    let e = E.byteCount
    let b = B.byteCount
    let r = elements(1, E.self)[0]
    let s = elements(2, B.self)[1]
    var kernels: [Kernel] = []

    for place in [Place.nearest, .memory] {
        let n = place.count(F.self)
        // As many bytes of base elements, of which there are two vectors.
        let m = place.count(F.self, vectors: place == .nearest ? 2 : 3) * E.degree
        func add(
            _ name: String, _ unit: String = "element", per: Int = 1, count: Int? = nil, bytes: Int,
            _ prepare: @escaping () -> Run
        ) {
            kernels.append(
                Kernel(
                    name: "\(F.name).\(name)/\(place.rawValue)", count: count ?? n / per, unit: unit,
                    bytes: place == .memory ? bytes : 0,
                    work: place == .nearest ? products(F.name, name).map { ($0.0, $0.1 * Double(count ?? n)) } : nil,
                    prepare: prepare))
        }

        add("add", bytes: 3 * e * n) {
            let (x, y, z) = (elements(n, E.self), elements(n, E.self), elements(n, E.self))
            return Run { F.add(x.pointer, y.pointer, into: z.pointer, count: n) }
        }
        add("multiply", bytes: 3 * e * n) {
            let (x, y, z) = (elements(n, E.self), elements(n, E.self), elements(n, E.self))
            return Run { F.multiply(x.pointer, y.pointer, into: z.pointer, count: n) }
        }
        add("scale", bytes: 2 * e * n) {
            let (x, y) = (elements(n, E.self), elements(n, E.self))
            return Run { F.scale(x.pointer, by: r, into: y.pointer, count: n) }
        }
        add("addScaled", bytes: 3 * e * n) {
            let (x, y) = (elements(n, E.self), elements(n, E.self))
            return Run { F.addScaled(x.pointer, by: r, to: y.pointer, count: n) }
        }
        add("addScaledBase", count: m, bytes: 3 * b * m) {
            let (x, y) = (elements(m, B.self), elements(m, B.self))
            return Run { F.addScaled(base: x.pointer, by: s, to: y.pointer, count: m) }
        }
        add("addScaledInt8", bytes: (1 + 2 * e) * n) {
            let (x, y) = (integers(n, Int8.self), elements(n, E.self))
            return Run { F.addScaled(x.elements, by: r, to: y.pointer) }
        }
        add("innerProduct", bytes: 2 * e * n) {
            let (x, y) = (elements(n, E.self), elements(n, E.self))
            return Run { consume(F.innerProduct(x.pointer, y.pointer, count: n)) }
        }
        add("innerProductBase", bytes: (b + e) * n) {
            let (x, y) = (elements(n, B.self), elements(n, E.self))
            return Run { consume(F.innerProduct(base: x.pointer, y.pointer, count: n)) }
        }
        add("innerProductInt8", bytes: (1 + e) * n) {
            let (x, y) = (integers(n, Int8.self), elements(n, E.self))
            return Run { consume(F.innerProduct(x.elements, y.pointer)) }
        }
        add("embedBaseInt8", count: m, bytes: (1 + b) * m) {
            let (x, y) = (integers(m, Int8.self), elements(m, B.self))
            return Run { F.embed(x.elements, into: y.pointer) }
        }
        add("embedInt8", bytes: (1 + e) * n) {
            let (x, y) = (integers(n, Int8.self), elements(n, E.self))
            return Run { F.embed(x.elements, into: y.pointer) }
        }
        add("fold", "pair", per: 2, bytes: 3 * e * n / 2) {
            let (x, y) = (elements(n, E.self), elements(n / 2, E.self))
            return Run { F.fold(x.pointer, at: r, into: y.pointer, pairs: n / 2) }
        }
        add("foldPairs", "pair", per: 2, bytes: 3 * e * n / 2) {
            let (x, y) = (elements(n, E.self), elements(n / 2, E.self))
            return Run { F.foldPairs(x.pointer, at: r, into: y.pointer, quads: n / 4) }
        }
        add("foldInt8", "pair", per: 2, bytes: (2 + e) * n / 2) {
            let (x, y) = (integers(n, Int8.self), elements(n / 2, E.self))
            return Run { F.fold(x.elements, at: r, into: y.pointer) }
        }
        add("roundProduct2", "pair", per: 2, bytes: 2 * e * n) {
            let (x, y) = (elements(n, E.self), elements(n, E.self))
            return Run { consume(F.roundProduct2(x.pointer, y.pointer, pairs: n / 2)) }
        }
        add("roundProduct3", "pair", per: 2, bytes: 3 * e * n) {
            let (x, y, z) = (elements(n, E.self), elements(n, E.self), elements(n, E.self))
            return Run { consume(F.roundProduct3(x.pointer, y.pointer, z.pointer, pairs: n / 2)) }
        }
        add("roundWeightedProduct2", "pair", per: 2, bytes: 5 * e * n / 2) {
            let (w, x, y) = (elements(n / 2, E.self), elements(n, E.self), elements(n, E.self))
            return Run {
                consume(F.roundWeightedProduct2(weights: w.pointer, x.pointer, y.pointer, pairs: n / 2))
            }
        }
        add("roundFractions", "quad", per: 4, bytes: 9 * e * n / 4) {
            let (w, x, y) = (elements(n / 4, E.self), elements(n, E.self), elements(n, E.self))
            return Run {
                consume(F.roundFractions(weights: w.pointer, p: x.pointer, q: y.pointer, lambda: r, quads: n / 4))
            }
        }
        add("addFractions", "pair", per: 2, bytes: 3 * e * n) {
            let (x, y) = (elements(n, E.self), elements(n, E.self))
            let (u, v) = (elements(n / 2, E.self), elements(n / 2, E.self))
            return Run {
                F.addFractions(p: x.pointer, q: y.pointer, pOut: u.pointer, qOut: v.pointer, pairs: n / 2)
            }
        }
    }

    kernels.append(
        Kernel(name: "\(F.name).expandEq/2^20", count: 1 << 20, unit: "element") {
            let point = elements(20, E.self).array
            let table = elements(1 << 20, E.self)
            return Run { F.expandEq(point, scale: r, into: table.pointer) }
        })
    kernels.append(
        Kernel(name: "\(F.name).invert/2^12", count: 1 << 12, unit: "element") {
            let x = elements(1 << 12, E.self)
            return Run { F.invert(x.pointer, count: x.count) }
        })
    // A matrix that stays in the second cache, and one of 64 MiB.
    kernels += matrixKernels(F.self, Int8.self, rows: 256, columns: 1024, "L2")
    kernels += matrixKernels(F.self, Int8.self, rows: 1 << 14, columns: 1 << 12, "memory")
    kernels += matrixKernels(F.self, Int16.self, rows: 256, columns: 512, "L2")
    return kernels
}

/// Both folds of a row-major matrix of small integers.
private func matrixKernels<F: ProofField, T: SmallInteger>(
    _: F.Type, _: T.Type, rows: Int, columns: Int, _ place: String
) -> [Kernel] {
    typealias E = F.Challenge
    let entries = rows * columns
    let size = MemoryLayout<T>.size
    // A challenge in bytes, times the bytes of a weight; the dot instruction does 64 such products.
    let dots = Double(entries * size * (E.degree * Base.bytes(F.self))) / 64
    func kernel(_ name: String, _ prepare: @escaping () -> Run) -> Kernel {
        Kernel(
            name: "\(F.name).\(name)Int\(8 * size)/\(place)", count: entries, unit: "weight",
            bytes: place == "memory" ? entries * size : 0, work: (.dot, dots), threads: place == "memory",
            prepare: prepare)
    }
    return [
        kernel("combineRows") {
            let (m, w, out) = (integers(entries, T.self), elements(rows, E.self), elements(columns, E.self))
            return Run {
                F.combineRows(m.pointer, rows: rows, columns: columns, weights: w.pointer, addTo: out.pointer)
            }
        },
        kernel("combineColumns") {
            let (m, w, out) = (integers(entries, T.self), elements(columns, E.self), elements(rows, E.self))
            return Run {
                F.combineColumns(m.pointer, rows: rows, columns: columns, weights: w.pointer, into: out.pointer)
            }
        },
    ]
}

private enum Base {
    /// Bytes of a base element: 4, 8 or 32.
    static func bytes<F: ProofField>(_: F.Type) -> Int { F.Base.byteCount }
}

/// Wide multiplications that one element cannot do without, of the cheapest kind known, in instructions of 512 bits.
private func products(_ field: String, _ operation: String) -> (Instruction, Double)? {
    switch (field, operation) {
    // One product of 31 bits.
    case ("m31", "addScaledBase"): (.multiply, 1.0 / 8)
    // 9 of them, Karatsuba in both steps of the tower.
    case ("m31", "multiply"): (.multiply, 9.0 / 8)
    // Four products of half words; three such by Karatsuba.
    case ("goldilocks", "addScaledBase"): (.multiply, 4.0 / 8)
    case ("goldilocks", "multiply"): (.multiply, 12.0 / 8)
    // Five limbs of 52 bits: 25 products and 5 reduction steps of 1 + 5, high and low halves (of the first only the low).
    case ("bn254", "multiply"), ("bn254", "addScaledBase"): (.madd52, (50.0 + 5 * 11) / 8)
    default: nil
    }
}
