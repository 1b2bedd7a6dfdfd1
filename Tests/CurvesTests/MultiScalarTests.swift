import CSIMD
import Curves
import Fields
import Tensors
import TestSupport
import Testing

/// Sums of multiples at every level of instructions; serialised, because the level belongs to the process.
@Suite(.serialized) struct MultiScalarTests {
    /// Runs the body with each instruction set that this machine has.
    private func atEachLevel(_ body: (String) throws -> Void) rethrows {
        let before = csimd_current_level()
        defer { _ = csimd_set_level(before) }
        for level in [CSIMD_LEVEL_PORTABLE, CSIMD_LEVEL_AVX2, CSIMD_LEVEL_AVX512]
        where level.rawValue <= before.rawValue {
            _ = csimd_set_level(level)
            try body("level \(level.rawValue)")
        }
    }

    /// The sum by single multiplications and additions in Swift.
    private func naive(_ scalars: [BN254Scalar], _ points: [G1]) -> G1 {
        zip(scalars, points).reduce(.identity) { $0 + $1.1.multiplied(by: $1.0) }
    }

    @Test func pyEccProducts() throws {
        try atEachLevel { level in
            for c in try Fixtures.pyEcc().products {
                let points = c.points.map { Fixtures.g1($0) }
                let scalars = c.scalars.map { BN254Scalar(decimal: $0)! }
                #expect(MultiScalar.sum(scalars, points) == Fixtures.g1(c.sum), "\(level), \(points.count) points")
            }
        }
    }

    /// Random points with repetitions, negatives and identities among them.
    private func points(_ count: Int, _ random: inout CommitmentTestGenerator) -> [G1] {
        let some = MultiScalar.multiples(of: .generator, by: random.point(max(count, 1))).array
        return (0..<count).map { i in
            switch Int.random(in: 0..<12, using: &random) {
            case 0: some[0]
            case 1: -some[i]
            case 2: .identity
            case 3: -some[0]
            default: some[i]
            }
        }
    }

    @Test func againstNaiveSums() {
        let edges: [BN254Scalar] = [.zero, .one, -.one, BN254Scalar(2), -BN254Scalar(2), BN254Scalar(.max)]
        atEachLevel { level in
            var random = CommitmentTestGenerator(seed: 3)
            for count in [0, 1, 2, 3, 7, 8, 9, 31, 64, 100, 257] {
                let points = points(count, &random)
                let scalars: [BN254Scalar] = (0..<count).map { i in
                    i % 3 == 0 ? edges[Int.random(in: 0..<edges.count, using: &random)] : random.element()
                }
                #expect(MultiScalar.sum(scalars, points) == naive(scalars, points), "\(level), \(count) points")
                for edge in edges {
                    let all = [BN254Scalar](repeating: edge, count: count)
                    #expect(MultiScalar.sum(all, points) == naive(all, points), "\(level), \(count) times \(edge)")
                }
            }
        }
    }

    private func checkIntegers<T: SmallInteger>(_: T.Type, _ level: String) {
        var random = CommitmentTestGenerator(seed: 4)
        for count in [1, 2, 9, 100, 300] {
            let points = points(count, &random)
            var values = (0..<count).map { _ in T.random(in: .min ... .max, using: &random) }
            for (i, v) in [T.min, .max, 0, -1, 1, .min + 1, .max - 1].enumerated() where 3 * i < count {
                values[3 * i] = v
            }
            let scalars = values.map { BN254Scalar(Int64($0)) }
            points.withUnsafeBufferPointer { points in
                values.withUnsafeBufferPointer { values in
                    let sum = MultiScalar.sums([.init(values)], points: points)[0]
                    #expect(sum == naive(scalars, Array(points)), "\(level), \(count) of \(T.self)")
                }
                // Values of fewer bits than the type.
                for limit: T in [0, 1, 5] {
                    let small = values.map { $0 % (limit + 1) }
                    small.withUnsafeBufferPointer { small in
                        let sum = MultiScalar.sums([.init(small)], points: points)[0]
                        #expect(sum == naive(small.map { BN254Scalar(Int64($0)) }, Array(points)))
                    }
                }
            }
        }
    }

    @Test func smallIntegers() {
        atEachLevel { level in
            checkIntegers(Int8.self, level)
            checkIntegers(Int16.self, level)
            checkIntegers(Int32.self, level)
            checkIntegers(Int64.self, level)
        }
    }

    /// Many vectors at once, of different lengths, types and first points; and linearity at sizes that need several segments
    /// and several tasks for a window.
    @Test func manyVectors() {
        atEachLevel { level in
            var random = CommitmentTestGenerator(seed: 6)
            let points = points(400, &random)
            let bytes: [Int8] = (0..<400).map { _ in Int8.random(in: .min ... .max, using: &random) }
            let words: [Int32] = (0..<400).map { _ in Int32.random(in: .min ... .max, using: &random) }
            let scalars: [BN254Scalar] = random.point(400)
            let canonical = MultiScalar.words(scalars)
            points.withUnsafeBufferPointer { p in
                bytes.withUnsafeBufferPointer { b in
                    words.withUnsafeBufferPointer { w in
                        canonical.withUnsafeBufferPointer { s in
                            var vectors: [MultiScalar.Scalars] = []
                            var expected: [G1] = []
                            for i in 0..<60 {
                                let (first, count) = (5 * i, min(7 * i % 90, 400 - 5 * i))
                                let part = first..<first + count
                                switch i % 3 {
                                case 0:
                                    vectors.append(.init(UnsafeBufferPointer(rebasing: b[part]), firstPoint: first))
                                    expected.append(
                                        naive(bytes[part].map { BN254Scalar(Int64($0)) }, Array(points[part])))
                                case 1:
                                    vectors.append(.init(UnsafeBufferPointer(rebasing: w[part]), firstPoint: first))
                                    expected.append(
                                        naive(words[part].map { BN254Scalar(Int64($0)) }, Array(points[part])))
                                default:
                                    vectors.append(
                                        .init(
                                            words: UnsafeBufferPointer(rebasing: s[4 * first..<4 * (first + count)]),
                                            firstPoint: first))
                                    expected.append(naive(Array(scalars[part]), Array(points[part])))
                                }
                            }
                            #expect(MultiScalar.sums(vectors, points: p) == expected, "\(level)")
                        }
                    }
                }
            }
        }
    }

    /// Additions do not ask whether points are on the curve, so coordinates may be values near which carries and reductions
    /// go wrong: every level does the same additions, and must get the same. (y = 0, which no point has, is left out.)
    @Test func edgeCoordinates() {
        let edges = FieldTowerTests.prime.edgeValues.map { FieldTowerTests.prime.element(BN254Base.self, [$0])! }
        var random = CommitmentTestGenerator(seed: 12)
        func edge() -> BN254Base { edges[Int.random(in: 0..<edges.count, using: &random)] }
        // The Montgomery forms are what the kernels see: edges of these, and of the values.
        func coordinate() -> BN254Base {
            let value = edge()
            if Bool.random(using: &random) { return value }
            let w = value.words
            return BN254Base(montgomery: w.0, w.1, w.2, w.3)
        }
        let points = (0..<3000).map { _ in
            var y = coordinate()
            while y.isZero { y = coordinate() }
            return G1(x: coordinate(), y: y)
        }
        let factors = (0..<3000).map { _ in Int8.random(in: -3...3, using: &random) }
        var results: [[G1]] = []
        atEachLevel { _ in
            points.withUnsafeBufferPointer { points in
                factors.withUnsafeBufferPointer { factors in
                    let vectors = (0..<30).map { i in
                        MultiScalar.Scalars(
                            UnsafeBufferPointer(rebasing: factors[100 * i..<100 * i + 1 + 3 * i]), firstPoint: 100 * i)
                    }
                    results.append(MultiScalar.sums(vectors, points: points))
                }
            }
        }
        for other in results.dropFirst() { #expect(other == results[0]) }
        #expect(Set(results[0]).count > 25)
    }

    /// Sums of points whose logarithms are known, so that the sum is a single multiple: up to sizes with several segments and
    /// tasks to a window.
    @Test(arguments: [5_000, 70_001, 200_000]) func knownLogarithms(count: Int) {
        var random = CommitmentTestGenerator(seed: UInt64(count))
        let logarithms: [BN254Scalar] = random.point(count)
        let points = MultiScalar.multiples(of: .generator, by: logarithms)
        let scalars: [BN254Scalar] = random.point(count)
        let small = (0..<count).map { _ in Int16.random(in: .min ... .max, using: &random) }
        let total = zip(logarithms, scalars).reduce(BN254Scalar.zero) { $0 + $1.0 * $1.1 }
        let smallTotal = zip(logarithms, small).reduce(BN254Scalar.zero) { $0 + $1.0 * BN254Scalar(Int64($1.1)) }
        let words = MultiScalar.words(scalars)
        words.withUnsafeBufferPointer { words in
            small.withUnsafeBufferPointer { small in
                let sums = MultiScalar.sums([.init(words: words), .init(small)], points: points.elements)
                #expect(sums == [total, smallTotal].map { G1.generator.multiplied(by: $0) })
            }
        }
        #expect(MultiScalar.firstOffCurve(points.elements) == nil)
        points[count / 2] = G1(x: points[count / 2].x, y: points[count / 2].y + .one)
        points[count - 1] = G1(x: .one, y: .one)
        #expect(MultiScalar.firstOffCurve(points.elements) == count / 2)
    }

    @Test func multiplesOfAPoint() {
        atEachLevel { level in
            var random = CommitmentTestGenerator(seed: 8)
            let scalars: [BN254Scalar] = [.zero, .one, -.one, BN254Scalar(255), BN254Scalar(256)] + random.point(1040)
            let p = G1.generator.multiplied(by: random.element())
            let multiples = MultiScalar.multiples(of: p, by: scalars)
            for i in stride(from: 0, to: scalars.count, by: i(scalars.count)) {
                #expect(multiples[i] == p.multiplied(by: scalars[i]), "\(level), \(i)")
            }
            for i in 0..<5 { #expect(multiples[i] == p.multiplied(by: scalars[i]), "\(level), \(i)") }
        }
    }

    private func i(_ count: Int) -> Int { max(1, count / 40) }
}
