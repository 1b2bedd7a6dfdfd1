import Curves
import Fields
import Tensors
import Transcripts

/// Steps 2 to 5 of an opening of `KZGScheme`: the value of one row, as a multilinear polynomial, at one point.
enum GeminiOpening {
    typealias F = BN254ScalarField
    typealias E = BN254Scalar

    /// Points from their compressed encodings, 32 bytes each.
    static func points(_ bytes: some RandomAccessCollection<UInt8>, _ check: String) throws -> [G1] {
        let bytes = Array(bytes)
        let size = G1.compressedByteCount
        let found = AlignedBuffer<G1?>(uninitialized: bytes.count / size)
        Parallel.forEachChunk(found.count, grain: 8) { range in
            for i in range { found.pointer[i] = G1(compressed: bytes[size * i..<size * (i + 1)]) }
        }
        return try (0..<found.count).map { i in
            guard let point = found.pointer[i] else {
                throw VerificationError(check: check, detail: "number \(i) is not the encoding of a point of the curve")
            }
            return point
        }
    }

    /// The canonical words of all elements.
    private static func words(_ elements: AlignedBuffer<E>, count: Int) -> AlignedBuffer<UInt64> {
        let words = AlignedBuffer<UInt64>(uninitialized: 4 * count)
        Parallel.forEachChunk(count, grain: 1 << 10) { range in
            for i in range {
                let w = elements.pointer[i].words
                let target = words.pointer + 4 * i
                (target[0], target[1], target[2], target[3]) = w
            }
        }
        return words
    }

    /// Commitments to polynomials given by their coefficients.
    private static func commit(_ polynomials: [(AlignedBuffer<E>, count: Int)], _ string: ReferenceString) -> [UInt8] {
        let scalars = polynomials.map { words($0.0, count: $0.count) }
        let points = withExtendedLifetime(scalars) {
            string.withPoints { points in MultiScalar.sums(scalars.map { .init(words: $0.elements) }, points: points) }
        }
        return points.flatMap(\.compressed)
    }

    /// 1, x, x^2, ...
    private static func writePowers(_ x: E, to powers: AlignedBuffer<E>) {
        var power = E.one
        for i in 0..<powers.count {
            powers.pointer[i] = power
            power *= x
        }
    }

    static func prove(
        _ row: AlignedBuffer<E>, at point: [E], string: ReferenceString, transcript: ProverTranscript, cheat: KZGCheat
    ) {
        let n = point.count
        var folds = [row]
        for i in 0..<n - 1 {
            let next = AlignedBuffer<E>(uninitialized: row.count >> (i + 1))
            F.fold(folds[i].pointer, at: point[i], into: next.pointer, pairs: next.count)
            folds.append(next)
        }
        cheat.folds?(folds, point)
        var commitments = commit(folds.dropFirst().map { ($0, $0.count) }, string)
        cheat.foldCommitments?(&commitments)
        transcript.send("fold commitments", bytes: commitments)

        let r: E = transcript.challenge("fold evaluation")
        let points = [r, -r, r.squared()]
        let tables = points.map { _ in AlignedBuffer<E>(uninitialized: row.count) }
        Parallel.forEach(3) { writePowers(points[$0], to: tables[$0]) }
        func evaluate(_ i: Int, _ k: Int) -> E {
            F.innerProduct(folds[i].pointer, tables[k].pointer, count: folds[i].count)
        }
        var evaluations = (0..<n).flatMap { [evaluate($0, 0), evaluate($0, 1)] } + [evaluate(0, 2)]
        cheat.evaluations?(&evaluations)
        transcript.send("fold evaluations", evaluations)

        // B, then its quotient by X - r, X + r and X - r^2 one after the other: Horner's rule, from the top.
        let lambda: E = transcript.challenge("fold batching")
        var factor = lambda
        for fold in folds.dropFirst() {
            F.addScaled(fold.pointer, by: factor, to: row.pointer, count: fold.count)
            factor *= lambda
        }
        var count = row.count
        for x in points {
            var carry = E.zero
            for i in (0..<count).reversed() {
                let coefficient = row.pointer[i] + x * carry
                row.pointer[i] = carry
                carry = coefficient
            }
            count -= 1
        }
        var quotient = commit([(row, count)], string)
        cheat.quotient?(&quotient)
        transcript.send("quotient", bytes: quotient)
    }

    /// Checks that the combination of the rows committed to in `rows` has the value at the point.
    static func verify(
        rows: [G1], coefficients: [E], at point: [E], value: E, reference: VerifierReference,
        transcript: VerifierTranscript
    ) throws {
        let n = point.count
        let folds = try points(
            transcript.receiveBytes("fold commitments", count: (n - 1) * G1.compressedByteCount), "fold commitments")
        let r: E = transcript.challenge("fold evaluation")
        let square = r.squared()
        // So that r, -r and r^2 are three points: not so with probability below 2^-251.
        guard !r.isZero, square != .one, let half = r.doubled.inverse(),
            let inverse = (square * (square - .one)).inverse()
        else {
            throw VerificationError(check: "fold evaluation", detail: "the point is one of the three that are not used")
        }
        let evaluations: [E] = try transcript.receive("fold evaluations", count: 2 * n + 1)
        let lambda: E = transcript.challenge("fold batching")
        let quotient = try points(transcript.receiveBytes("quotient", count: G1.compressedByteCount), "quotient")[0]

        // f_i at r^2: the first is sent, the others follow. Twice the even part of f_i at r^2 is f(r) + f(-r), and the odd
        // part (f(r) - f(-r)) / 2r.
        let halfOfOne = half * r
        var atSquare = [evaluations[2 * n]]
        for i in 0..<n {
            let (plus, minus) = (evaluations[2 * i], evaluations[2 * i + 1])
            let (even, odd) = ((plus + minus) * halfOfOne, (plus - minus) * half)
            atSquare.append(even + point[i] * (odd - even))
        }
        guard atSquare[n] == value else {
            throw VerificationError(check: "folds", detail: "the last fold is not the value claimed")
        }

        // The values of B, and the polynomial i0 + i1 X + i2 X^2 through them.
        var batched = [E.zero, .zero, .zero]
        let factors = lambda.powers(n)
        for i in 0..<n {
            batched[0] += factors[i] * evaluations[2 * i]
            batched[1] += factors[i] * evaluations[2 * i + 1]
            batched[2] += factors[i] * atSquare[i]
        }
        let even = (batched[0] + batched[1]) * halfOfOne
        let i1 = (batched[0] - batched[1]) * half
        let i2 = (batched[2] - i1 * square - even) * inverse
        let i0 = even - i2 * square

        let left = MultiScalar.sum(
            coefficients + factors.dropFirst() + [-i0, -i1, -i2], rows + folds + reference.smallPowers)
        // S(tau) = tau^3 - r^2 tau^2 - r^2 tau + r^4.
        let right =
            reference.g2[2] - (reference.g2[1] + reference.g2[0]).multiplied(by: square)
            + G2.generator.multiplied(by: square.squared())
        guard Pairing.isProductOne([(left, .generator), (-quotient, right)]) else {
            throw VerificationError(check: "kzg pairing", detail: "the quotient does not belong to the values")
        }
    }
}
