import Fields
import Tensors
import Transcripts

/// The leaves of a fractional sum: segments of fractions p/q, each with the shape of the tensor that it comes from.
///
/// Segments lie one after the other in one hypercube, largest first, so that each starts at a multiple of its own padded
/// size, those of one shape together; a leaf's index is (position of the segment, padded index in the segment). Everything else is padding with the
/// fraction 0/1. Denominators are stored *minus one*, which makes the padding zero and the work proportional to real sizes.
public struct FractionLayout: Sendable {
    public let shapes: [TensorShape]
    /// Segment numbers, largest padded size first, equal ones by shape, then in the order given.
    public let order: [Int]
    /// The first leaf of each segment (by segment number).
    public let offsets: [Int]
    /// Variables of the whole; at least 1.
    public let variableCount: Int
    /// Real leaves.
    public let leafCount: Int

    public init(_ shapes: [TensorShape]) {
        self.shapes = shapes
        let compact = shapes.map(\.compacted)
        let sizes = shapes.map(\.variableCount)
        order = shapes.indices.sorted {
            if sizes[$0] != sizes[$1] { return sizes[$0] > sizes[$1] }
            if compact[$0] != compact[$1] { return compact[$0].lexicographicallyPrecedes(compact[$1]) }
            return $0 < $1
        }
        var offsets = [Int](repeating: 0, count: shapes.count)
        var next = 0
        for i in order {
            offsets[i] = next
            next += shapes[i].paddedCount
        }
        self.offsets = offsets
        variableCount = max(1, TensorShape.bits(max(next, 1)))
        leafCount = shapes.reduce(0) { $0 + $1.count }
    }

    /// The weight of a segment at a point, `eq(high coordinates, position)`, and the segment's own coordinates.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func restrict<F: ProofField>(
        _ segment: Int, _ point: [F.Challenge], field: F.Type = F.self
    ) -> (weight: F.Challenge, point: [F.Challenge]) {
        let own = shapes[segment].variableCount
        return (Eq<F>.value(point[own...], at: offsets[segment] >> own), Array(point[..<own]))
    }
}

/// A sum of fractions by the GKR protocol over a binary tree of additions: LogUp-GKR (Papini and Haboeck, ePrint 2023/1283).
///
/// Layer 0 holds the leaves, layer n the root; `(p0/q0) + (p1/q1) = (p0 q1 + p1 q0) / (q0 q1)`. A claim on one layer becomes,
/// by a sumcheck, a claim on the layer below it.
public enum FractionalSum<F: ProofField> {
    public typealias E = F.Challenge

    /// The claims on the leaves: `p(point)` and `q(point) - 1`.
    public struct LeafClaim {
        public let point: [E]
        public let numerator: E
        public let denominatorMinusOne: E
    }

    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public static func verify(_ layout: FractionLayout, transcript: VerifierTranscript) throws -> LeafClaim {
        let rootQ: E = try transcript.receiveOne("fraction root")
        guard rootQ + .one != .zero else {
            throw VerificationError(check: "fraction root", detail: "the denominator is zero")
        }
        var point: [E] = []
        var pClaim = E.zero
        var qClaim = rootQ
        for layer in 0..<layout.variableCount {
            let lambda: E = transcript.challenge("fraction lambda")
            let (x, left) = try Sumcheck<F>.verifyEqRounds(
                claim: pClaim + lambda * qClaim, at: point, transcript: transcript)
            let v: [E] = try transcript.receive("fraction layer", count: 4)
            let (p0, p1, q0, q1) = (v[0], v[1], v[2], v[3])
            guard p0 + p1 + p0 * q1 + p1 * q0 + lambda * (q0 + q1 + q0 * q1) == left else {
                throw VerificationError(
                    check: "fraction layer", detail: "layer \(layer) does not follow from the one below")
            }
            let b: E = transcript.challenge("fraction branch")
            pClaim = p0 + b * (p1 - p0)
            qClaim = q0 + b * (q1 - q0)
            point = [b] + x
        }
        return LeafClaim(point: point, numerator: pClaim, denominatorMinusOne: qClaim)
    }
}
