import Fields
import Multilinears
import Tensors
import TestSupport
import Testing
import Transcripts

/// Deterministic random challenges.
struct Source<F: ProofField> {
    private let transcript: Transcript
    init(_ seed: UInt64) {
        transcript = ProverTranscript(domain: "test source", hash: .blake3)
        transcript.absorb("seed", integer: seed)
    }
    func next(_ count: Int) -> [F.Challenge] { transcript.challenges("next", count: count) }
}

@Suite struct MultilinearsTests {
    static let shapes: [[Int]] = [
        [], [1], [2], [3], [1, 1], [5, 7], [8, 4], [3, 1, 6], [2, 3, 5], [1, 9], [17, 33], [64, 12], [4, 1],
    ]

    @Test func allMersenne31() throws { try all(Mersenne31.self) }
    @Test func allGoldilocks() throws { try all(GoldilocksField.self) }
    @Test func allBN254() throws { try all(BN254ScalarField.self) }

    func all<F: ProofField>(_: F.Type) throws {
        try extensions(F.self)
        try products(F.self)
        integerProducts(F.self)
        try fractions(F.self)
        try lookups(F.self)
        virtualLayers(F.self)
    }

    /// The value of a compact table's extension, by the definition.
    func slow<F: ProofField>(_ shape: TensorShape, _ point: [F.Challenge], _: F.Type, _ entry: (Int) -> F.Challenge)
        -> F.Challenge
    {
        var sum = F.Challenge.zero
        var index = [Int](repeating: 0, count: shape.dimensions.count)
        for i in 0..<shape.count {
            sum += entry(i) * Eq<F>.value(point[...], at: shape.paddedIndex(index))
            for d in index.indices.reversed() {
                index[d] += 1
                if index[d] < shape.dimensions[d] { break }
                index[d] = 0
            }
        }
        return sum
    }

    func extensions<F: ProofField>(_: F.Type) throws {
        let source = Source<F>(1)
        for dimensions in Self.shapes {
            let shape = TensorShape(dimensions)
            let point = source.next(shape.variableCount)
            let values = (0..<shape.count).map { Int64($0 * 7919 % 251) - 125 }
            for range: ClosedRange<Int64> in [-128...127, -40000...40000] {
                let tensor = IntegerTensor(shape: shape, range: range, values: values)
                #expect(Evaluation<F>.of(tensor, at: point) == slow(shape, point, F.self) { F.Challenge(values[$0]) })
            }
            #expect(Eq<F>.ones(shape, point) == slow(shape, point, F.self) { _ in .one })
            if dimensions.count == 2 {
                let mask = slow(shape, point, F.self) { $0 % dimensions[1] > $0 / dimensions[1] ? .one : .zero }
                #expect(Evaluation<F>.causalMask(rows: dimensions[0], columns: dimensions[1], at: point) == mask)
            }
            let table = Eq<F>.table(shape, point)
            #expect(table.count == shape.count)
        }
        for bits in 0..<5 {
            let point = source.next(bits)
            for bound in 0...(1 << bits) {
                let sum = (0..<bound).reduce(F.Challenge.zero) { $0 + Eq<F>.value(point[...], at: $1) }
                #expect(Eq<F>.prefixSum(point, below: bound) == sum)
            }
        }
    }

    func products<F: ProofField>(_: F.Type) throws {
        let source = Source<F>(2)
        for dimensions in Self.shapes {
            let shape = TensorShape(dimensions)
            let tables = (0..<3).map { _ in source.next(shape.count) }
            func folding(_ i: Int) -> FoldingTable<F> { FoldingTable(AlignedBuffer(tables[i]), dimensions: dimensions) }
            func value(_ i: Int, _ point: [F.Challenge]) -> F.Challenge { slow(shape, point, F.self) { tables[i][$0] } }
            let two = zip(tables[0], tables[1]).reduce(F.Challenge.zero) { $0 + $1.0 * $1.1 }
            let three = (0..<shape.count).reduce(F.Challenge.zero) {
                $0 + tables[0][$1] * tables[1][$1] * tables[2][$1]
            }
            // Also boolean coordinates, which fixed indices bring.
            var outer = source.next(shape.variableCount)
            if outer.count > 1 {
                outer[0] = .zero
                outer[1] = .one
            }
            let weighted = slow(shape, outer, F.self) { tables[0][$0] * tables[1][$0] }

            for lie in [F.Challenge.zero, .one] {
                var prover = ProverTranscript(domain: "t", hash: .blake3)
                var point = Sumcheck<F>.proveProduct(folding(0), folding(1), claim: two + lie, transcript: prover)
                var verifier = VerifierTranscript(domain: "t", hash: .blake3, proof: prover.proof)
                var result = try Sumcheck<F>.verifyProduct(
                    claim: two + lie, variables: shape.variableCount, transcript: verifier)
                try verifier.finish()
                #expect(result.point == point)
                #expect((result.claim == value(0, point) * value(1, point)) == lie.isZero)

                prover = ProverTranscript(domain: "t", hash: .blake3)
                point = Sumcheck<F>.proveProduct(
                    folding(0), folding(1), folding(2), claim: three + lie, transcript: prover)
                verifier = VerifierTranscript(domain: "t", hash: .blake3, proof: prover.proof)
                result = try Sumcheck<F>.verifyTripleProduct(
                    claim: three + lie, variables: shape.variableCount, transcript: verifier)
                #expect(result.point == point)
                #expect((result.claim == value(0, point) * value(1, point) * value(2, point)) == lie.isZero)

                prover = ProverTranscript(domain: "t", hash: .blake3)
                point = Sumcheck<F>.proveEqProduct(
                    at: outer, folding(0), folding(1), claim: weighted + lie, transcript: prover)
                verifier = VerifierTranscript(domain: "t", hash: .blake3, proof: prover.proof)
                let accepted: Bool
                do {
                    result = try Sumcheck<F>.verifyEqRounds(claim: weighted + lie, at: outer, transcript: verifier)
                    accepted = result.point == point && result.claim == value(0, point) * value(1, point)
                } catch is VerificationError { accepted = false }
                #expect(accepted == lie.isZero)
            }
        }
    }

    /// Tables of integers, as they are stored, give the proofs of the same tables as challenges, whatever is beside them.
    func integerProducts<F: ProofField>(_: F.Type) {
        typealias E = F.Challenge
        let source = Source<F>(6)
        var generator = CommitmentTestGenerator(seed: 11)
        let ranges: [ClosedRange<Int64>] = [
            -128...127, -0x8000...0x7fff, -F.integerBound...F.integerBound, -min(F.integerBound, 1 << 31)...5,
        ]
        let large = [
            [1023], [2049], [700, 3], [341, 6], [64, 64], [513, 2], [5, 511, 1], [2, 3, 515], [2, 2, 2, 3],
        ]
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        for dimensions in Self.shapes + large {
            let shape = TensorShape(dimensions)
            let tensors = (0..<3).map { generator.tensor(dimensions, ranges[($0 + shape.count) % ranges.count]) }
            var outer = source.next(shape.variableCount)
            if outer.count > 2 { (outer[0], outer[1]) = (.zero, .one) }
            let claim = source.next(1)[0]
            /// The proofs of the three kinds of product, and what is left of their tables. `mask`: which ones are integers.
            func proofs(_ mask: Int) -> ([UInt8], [E]) {
                let transcript = ProverTranscript(domain: "t", hash: .blake3)
                var left: [E] = []
                func tables(_ count: Int) -> [FoldingTable<F>] {
                    (0..<count).map { i in
                        if mask >> i & 1 == 1 { return FoldingTable(tensors[i], dimensions: dimensions) }
                        let images = (0..<shape.count).map { E(tensors[i][$0]) }
                        return FoldingTable(AlignedBuffer(images), dimensions: dimensions)
                    }
                }
                let two = tables(2)
                var point = Sumcheck<F>.proveProduct(two[0], two[1], claim: claim, transcript: transcript)
                left += point + two.map(\.final)
                let three = tables(3)
                point = Sumcheck<F>.proveProduct(three[0], three[1], three[2], claim: claim, transcript: transcript)
                left += point + three.map(\.final)
                let weighted = tables(2)
                point = Sumcheck<F>.proveEqProduct(
                    at: outer, weighted[0], weighted[1], claim: claim, transcript: transcript)
                left += point + weighted.map(\.final)
                return (transcript.proof, left)
            }
            Parallel.threadCount = 1
            let expected = proofs(0)
            for mask in [1, 2, 5, 7] {
                for count in 1...3 {
                    Parallel.threadCount = count
                    let made = proofs(mask)
                    #expect(made.0 == expected.0 && made.1 == expected.1, "\(dimensions), \(mask), \(count) threads")
                }
            }
        }
    }

    func fractions<F: ProofField>(_: F.Type) throws {
        let source = Source<F>(3)
        let layouts: [[[Int]]] = [
            [[]], [[1], []], [[2]], [[3], [3]], [[5, 7], [2], [], [9]],
            [[64, 12], [1, 3], [17, 33], [2, 3, 5], [4, 1], []],
            [[1], [1], [1], [1], [1]], [[8], [8], [8]], [[100], [2], [3], [7, 7]],
        ]
        for dimensions in layouts {
            let shapes = dimensions.map { TensorShape($0) }
            let layout = FractionLayout(shapes)
            // Denominators random, numerators random but the last, which makes the sum zero.
            var q = shapes.map { source.next($0.count) }
            var p = shapes.map { source.next($0.count) }
            if q[0].count > 2 { (q[0][1], p[0][1]) = (.zero, .zero) }
            var sum = F.Challenge.zero
            for i in shapes.indices {
                for j in p[i].indices where !(i == shapes.count - 1 && j == p[i].count - 1) {
                    sum += p[i][j] * (q[i][j] + .one).inverse()!
                }
            }
            p[p.count - 1][p.last!.count - 1] = -sum * (q.last!.last! + .one)
            for lie in [F.Challenge.zero, .one] {
                var numerators = p
                numerators[0][0] += lie
                let prover = ProverTranscript(domain: "t", hash: .blake3)
                let claim = FractionalSum<F>.prove(
                    layout, zip(numerators, q).map { .fractions(AlignedBuffer($0), AlignedBuffer($1)) },
                    transcript: prover)
                let verifier = VerifierTranscript(domain: "t", hash: .blake3, proof: prover.proof)
                let accepted: Bool
                do {
                    let found = try FractionalSum<F>.verify(layout, transcript: verifier)
                    try verifier.finish()
                    #expect(found.point == claim.point)
                    var (pAt, qAt) = (F.Challenge.zero, F.Challenge.zero)
                    for i in shapes.indices {
                        let (weight, own) = layout.restrict(i, found.point, field: F.self)
                        pAt += weight * slow(shapes[i], own, F.self) { numerators[i][$0] }
                        qAt += weight * slow(shapes[i], own, F.self) { q[i][$0] }
                    }
                    accepted = pAt == found.numerator && qAt == found.denominatorMinusOne
                } catch is VerificationError { accepted = false }
                #expect(accepted == lie.isZero, "\(dimensions)")
            }
        }
    }

    /// Some segments, several of a shape, with rows of odd lengths, short and long ones.
    private func randomLayout(_ generator: inout CommitmentTestGenerator) -> [[Int]] {
        (0..<Int.random(in: 1...4, using: &generator)).flatMap { _ in
            let last =
                Bool.random(using: &generator)
                ? Int.random(in: 1...130, using: &generator)
                : 4 * Int.random(in: 1...90, using: &generator)
            let outer = (0..<Int.random(in: 0...2, using: &generator)).map { _ in
                Int.random(in: 1...9, using: &generator)
            }
            return [[Int]](repeating: outer + [last], count: Int.random(in: 1...3, using: &generator))
        }
    }

    /// Lookups of integers: leaves that stay integers, beside the tables that they go to.
    func lookups<F: ProofField>(_: F.Type) throws {
        typealias E = F.Challenge
        let source = Source<F>(4)
        let layouts: [[[Int]]] = [
            [[]], [[2]], [[3]], [[1], [5]], [[8], [8], [8]], [[7], [7], [4, 3], [4, 3], [4, 3]],
            [[300, 7], [2048], [64]],
            [[6, 64], [6, 64], [3, 128], [], []], [[64, 96], [64, 96], [5, 9, 33], [64, 12], [17]],
        ]
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        var generator = CommitmentTestGenerator(seed: 7)
        for dimensions in layouts + (0..<24).map({ _ in randomLayout(&generator) }) {
            let rows = 37
            let shapes = dimensions.map { TensorShape($0) } + [TensorShape([rows])]
            let layout = FractionLayout(shapes)
            let challenges = source.next(2)
            func row(_ i: Int) -> (Int64, Int64) { (Int64(i) - 11, Int64(i * i % 23)) }
            var counts = [Int64](repeating: 0, count: rows)
            let range: ClosedRange<Int64> = -5000...5000
            var leaves: [FractionLeaves<F>] = []
            var expectedP: [[E]] = []
            var expectedQ: [[E]] = []
            for (s, shape) in shapes.dropLast().enumerated() {
                let picks = (0..<shape.count).map { ($0 * 7 + s * 5) % rows }
                for i in picks { counts[i] += 1 }
                let valued = s % 2 == 0
                // Every second segment looks up arguments alone; the table's last numerator makes up for them too.
                let values = IntegerTensor(shape: shape, range: range, values: picks.map { row($0).1 })
                leaves.append(
                    .reciprocals(
                        .init(
                            constant: challenges[0],
                            argument: IntegerTensor(shape: shape, range: range, values: picks.map { row($0).0 }),
                            factor: challenges[1], value: valued ? values : nil)))
                expectedP.append([E](repeating: .one, count: shape.count))
                expectedQ.append(
                    picks.map {
                        challenges[0] - E(row($0).0) - (valued ? challenges[1] * E(row($0).1) : .zero) - .one
                    })
            }
            // One table, whose numerators make up for everything: random but for the last.
            var table = [E](repeating: .zero, count: rows)
            var tableQ = source.next(rows)
            tableQ[rows - 1] = .zero
            var sum = E.zero
            for (p, q) in zip(expectedP, expectedQ) { for (a, b) in zip(p, q) { sum += a * (b + .one).inverse()! } }
            for i in 0..<rows - 1 {
                table[i] = E(counts[i])
                sum += table[i] * (tableQ[i] + .one).inverse()!
            }
            table[rows - 1] = -sum
            leaves.append(.fractions(AlignedBuffer(table), AlignedBuffer(tableQ)))
            expectedP.append(table)
            expectedQ.append(tableQ)

            let proofs = (1...3).map { count in
                Parallel.threadCount = count
                let prover = ProverTranscript(domain: "t", hash: .blake3)
                // The prover takes buffers of fractions over.
                let own = leaves.map { leaf in
                    guard case .fractions(let p, let q) = leaf else { return leaf }
                    return FractionLeaves<F>.fractions(AlignedBuffer(p.elements), AlignedBuffer(q.elements))
                }
                _ = FractionalSum<F>.prove(layout, own, transcript: prover)
                return prover.proof
            }
            #expect(proofs[1] == proofs[0] && proofs[2] == proofs[0], "\(dimensions)")
            let verifier = VerifierTranscript(domain: "t", hash: .blake3, proof: proofs[0])
            let found = try FractionalSum<F>.verify(layout, transcript: verifier)
            try verifier.finish()
            var (pAt, qAt) = (E.zero, E.zero)
            for i in shapes.indices {
                let (weight, own) = layout.restrict(i, found.point, field: F.self)
                pAt += weight * slow(shapes[i], own, F.self) { expectedP[i][$0] }
                qAt += weight * slow(shapes[i], own, F.self) { expectedQ[i][$0] }
            }
            #expect(pAt == found.numerator && qAt == found.denominatorMinusOne, "\(dimensions)")
        }
    }

    /// Leaves of integers, whose lowest layers are never stored, give the same messages as their fractions, which are, on any
    /// number of threads.
    func virtualLayers<F: ProofField>(_: F.Type) {
        typealias E = F.Challenge
        let challenges = Source<F>(5).next(3)
        let layouts: [[[Int]]] = [
            [[1024]], [[32, 32], [32, 32]], [[3, 344], [5, 3, 72], [2, 513]],
            [[7, 16, 12], [2000], [1016], [16, 64], [3]],
            // Rows that are no whole quads: long and short ones, several of a shape, pairs.
            [[4099], [4099]], [[9001], [3, 3001]], [[3, 8193]], [[1025], [1026], [1027]],
            [[400, 3], [400, 3], [300, 4]],
            [[333, 5], [333, 6], [150, 7], [9]],
            [[700, 2], [35, 21, 2], [35, 21, 2], [64, 2]], [[2, 2, 2, 2, 2, 2, 2, 2, 2, 2], [5, 2, 2, 3, 2, 3, 2]],
            [[65], [67, 1], [66], [64]], [[2, 5, 103, 3, 1], [11, 1, 93]], [[9, 301], [9, 301], [13, 302]],
            [[401, 3], [401, 3], [401, 3]],
        ]
        for dimensions in layouts {
            // Lookups, tables, and both.
            for kind in 0..<3 {
                let shapes = dimensions.map { TensorShape($0) }
                let layout = FractionLayout(shapes)
                var integers: [FractionLeaves<F>] = []
                var fractions: [FractionLeaves<F>] = []
                for (s, shape) in shapes.enumerated() {
                    let numerators = kind == 1 || kind == 2 && s % 3 != 1
                    func tensor(_ factor: Int) -> IntegerTensor {
                        let values = (0..<shape.count).map { Int64(($0 * factor + s) % 251 - 125) }
                        return IntegerTensor(shape: shape, range: -125...125, values: values)
                    }
                    let (argument, value, multiple) = (tensor(7), s % 2 == 0 ? tensor(11) : nil, tensor(13))
                    let denominators = LookupDenominators<F>(
                        constant: challenges[0], argument: argument, factor: challenges[1], value: value)
                    integers.append(numerators ? .multiples(multiple, denominators) : .reciprocals(denominators))
                    let p = (0..<shape.count).map { numerators ? -E(multiple[$0]) : E.one }
                    let q = (0..<shape.count).map {
                        challenges[0] - E(argument[$0]) - challenges[1] * E(value?[$0] ?? 0) - .one
                    }
                    fractions.append(.fractions(AlignedBuffer(p), AlignedBuffer(q)))
                }
                func proof(_ leaves: [FractionLeaves<F>]) -> [UInt8] {
                    let transcript = ProverTranscript(domain: "t", hash: .blake3)
                    _ = FractionalSum<F>.prove(layout, leaves, transcript: transcript)
                    return transcript.proof
                }
                let threads = Parallel.threadCount
                defer { Parallel.threadCount = threads }
                Parallel.threadCount = 1
                let stored = proof(fractions)
                for count in 1...3 {
                    Parallel.threadCount = count
                    #expect(proof(integers) == stored, "\(dimensions), kind \(kind), \(count) threads")
                }
            }
        }
    }
}
