import Commitments
import Fields
import Multilinears
import Tensors
import Transcripts

/// Transforms as the codes use them: without padding (rate 1), one column or many interleaved.
func transformKernels<F: ProofField>(_: F.Type, columns: [Int]) -> [Kernel] {
    columns.map { width in
        Kernel(
            name: "\(F.name).transform/2^20 x \(width)", count: width << 20, unit: "element", threads: width > 1
        ) {
            let values = elements(width << 20, F.Base.self)
            return Run {
                // Callers split the width, in whole cache lines.
                let grain = max(1, 64 / F.Base.byteCount)
                let pieces = width < 2 * grain ? 1 : Parallel.threadCount
                Parallel.forEach(pieces) { i in
                    F.reedSolomonEncode(
                        interleaved: values.pointer + i * width / pieces, stride: width, width: width / pieces,
                        messageBits: 20, logInverseRate: 0)
                }
            }
        }
    }
}

/// Encodings of one block as the commitment does them, at rate 1/2.
func encodingKernels<F: ProofField>(_: F.Type) -> [Kernel] {
    let width = ReedSolomonCode<F>.preferredWidth
    return [
        Kernel(name: "\(F.name).encode/2^14 x \(width)", count: width << 14, unit: "element") {
            let values = elements(width << 15, F.Base.self)
            return Run {
                F.reedSolomonEncode(
                    interleaved: values.pointer, stride: width, width: width, messageBits: 14, logInverseRate: 1)
            }
        }
    ]
}

/// 2^22 base elements as 256 rows of 2^14, encoded at rate 1/2 and hashed: the whole of `commit`.
func commitKernels<F: ProofField>(_: F.Type) -> [Kernel] {
    [
        Kernel(name: "\(F.name).commit/2^14 x 256", count: 1 << 22, unit: "element", threads: true) {
            let (vector, shape) = randomTensor(F.self, [256, 1 << 14])
            let outline = ReedSolomonCode<F>.outlines(messageBits: 14)[0]
            let scheme = try OrionScheme<F>(shapes: [shape], outline: outline, securityBits: 90, hash: .blake3)
            return Run { consume(try! scheme.commit([vector]).commitment[0]) }
        }
    ]
}

/// A commitment to 2^24 base elements with the parameters that it chooses itself, and one opening.
func orionKernels<F: ProofField>(_: F.Type) -> [Kernel] {
    let bits = 24
    func scheme() throws -> (IntegerTensor, OrionScheme<F>) {
        let (vector, shape) = randomTensor(F.self, [1 << bits])
        return (vector, try OrionScheme<F>(shapes: [shape], securityBits: 90, hash: .blake3))
    }
    return [
        Kernel(name: "\(F.name).orionCommit/2^24", count: 1 << 24, unit: "element", threads: true) {
            let (vector, scheme) = try scheme()
            return Run { consume(try! scheme.commit([vector]).commitment[0]) }
        },
        Kernel(name: "\(F.name).orionOpen/2^24", count: 1 << 24, unit: "element", threads: true) {
            let (vector, scheme) = try scheme()
            let state = try scheme.commit([vector]).state
            let point = elements(bits, F.Challenge.self).array
            let claim = OpeningClaim(vector: 0, point: point, value: Evaluation<F>.of(vector, at: point))
            return Run {
                let transcript = ProverTranscript(domain: "bench", hash: .blake3)
                scheme.open([vector], state: state, claims: [claim], transcript: transcript)
            }
        },
    ]
}

private func randomTensor<F: ProofField>(_: F.Type, _ dimensions: [Int]) -> (IntegerTensor, CommittedShape) {
    let shape = TensorShape(dimensions)
    let range = -F.integerBound...F.integerBound
    let storage: IntegerBuffer =
        if F.Base.byteCount == 4 {
            .int32(narrowed(integers(shape.count), by: 2))
        } else {
            .int64(narrowed(integers(shape.count), by: 2))
        }
    return (
        IntegerTensor(shape: shape, range: range, storage: storage), CommittedShape(shape: shape, range: range)
    )
}

private func narrowed<T: SmallInteger>(_ values: AlignedBuffer<T>, by bits: T) -> AlignedBuffer<T> {
    for i in 0..<values.count { values.pointer[i] >>= bits }
    return values
}

/// A sumcheck of eq(z, x) (a(x) b(x) - c(x)) over 2^20 entries with all its rounds, folds and hashes. The weights eq are linear in
/// the round's variable and factored out; c adds to the constant coefficient only.
func sumcheckKernels<F: ProofField>(_: F.Type) -> [Kernel] {
    typealias E = F.Challenge
    let bits = 20
    return [
        Kernel(name: "\(F.name).sumcheck eq(ab-c)/2^20", count: 1 << bits, unit: "element", threads: true) {
            let outer = elements(bits, E.self).array
            let start = (0..<3).map { _ in elements(1 << bits, E.self) }
            let scratch = elements(1 << (bits - 1), E.self)
            nonisolated(unsafe) var tables: [FoldingTable<F>] = []
            return Run(reset: {
                tables = start.map { FoldingTable<F>(AlignedBuffer($0.elements), dimensions: [1 << bits]) }
            }) {
                let transcript = ProverTranscript(domain: "bench", hash: .blake3)
                let (a, b, c) = (tables[0], tables[1], tables[2])
                var weights = EqWeights<F>([1 << bits], point: outer)
                var claim = E.zero
                for round in 0..<bits {
                    let pairs = a.prepare()
                    let (w, factor) = (weights.pointer, weights.factor)
                    let (pa, pb, pc) = (a.pointer, b.pointer, c.pointer)
                    let grain = 1 << 11
                    let pieces = (pairs + grain - 1) / grain
                    let parts = AlignedBuffer<E>(uninitialized: 2 * pieces)
                    Parallel.forEach(pieces) { i in
                        let o = i * grain
                        let n = min(grain, pairs - o)
                        let t = F.roundWeightedProduct2(
                            weights: w + o, pa + 2 * o, pb + 2 * o, pairs: n)
                        for k in o..<o + n { scratch.pointer[k] = pc[2 * k] }
                        let even = F.innerProduct(scratch.pointer + o, w + o, count: n)
                        parts.pointer[2 * i] = t.atZero - even
                        parts.pointer[2 * i + 1] = t.leading
                    }
                    var (atZero, leading) = (E.zero, E.zero)
                    for i in 0..<pieces {
                        atZero += parts.pointer[2 * i]
                        leading += parts.pointer[2 * i + 1]
                    }
                    (atZero, leading) = (factor * atZero, factor * leading)
                    let atOne = (claim - (E.one - outer[round]) * atZero) * outer[round].inverse()!
                    transcript.send("sumcheck round", [atZero, atOne, leading])
                    let r: E = transcript.challenge("sumcheck challenge")
                    claim = Sumcheck<F>.quadratic(atZero: atZero, atOne: atOne, leading: leading, at: r)
                    FoldingTable.fold(tables.map { ($0, r) } + weights.fold)
                    weights.advance()
                }
                consume(c.final)
            }
        },
        // 2^20 lookups of pairs of integers in a table of 2^16 rows, as a proof makes them.
        Kernel(name: "\(F.name).lookups/2^20", count: 1 << bits, unit: "lookup", threads: true) {
            let rows = 1 << 16
            let shapes = [TensorShape([1 << bits]), TensorShape([rows])]
            let layout = FractionLayout(shapes)
            let challenges = elements(2, E.self)
            func tensor(_ shape: TensorShape, _ values: IntegerBuffer) -> IntegerTensor {
                IntegerTensor(shape: shape, range: Int64(Int32.min)...Int64(Int32.max), storage: values)
            }
            func denominators(_ shape: TensorShape) -> LookupDenominators<F> {
                .init(
                    constant: challenges[0], argument: tensor(shape, .int16(integers(shape.count))),
                    factor: challenges[1], value: tensor(shape, .int8(integers(shape.count))))
            }
            let leaves: [FractionLeaves<F>] = [
                .reciprocals(denominators(shapes[0])),
                .multiples(tensor(shapes[1], .int32(integers(rows))), denominators(shapes[1])),
            ]
            return Run {
                let transcript = ProverTranscript(domain: "bench", hash: .blake3)
                consume(FractionalSum<F>.prove(layout, leaves, transcript: transcript).numerator)
            }
        },
    ]
}
