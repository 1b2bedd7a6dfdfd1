import Commitments
import Fields
import Tensors
import TestSupport
import Testing

@Suite struct LinearCodeTests {
    /// One code word of one message.
    func encode<C: LinearCode>(_ code: C, _ message: [C.F.Base]) -> [C.F.Base] {
        let values = AlignedBuffer<C.F.Base>(repeating: C.F.Base(7), count: code.outline.length)
        for (i, m) in message.enumerated() { values[i] = m }
        code.encode(interleaved: values.pointer, stride: 1, width: 1)
        return values.array
    }

    /// Linearity, interleaving and distance, as far as messages of low weight show it.
    func check<C: LinearCode>(_: C.Type, bits: ClosedRange<Int>, trials: Int) throws {
        typealias B = C.F.Base
        var random = CommitmentTestGenerator(seed: 5)
        for messageBits in bits {
            let n = 1 << messageBits
            for outline in C.outlines(messageBits: messageBits) {
                let code = try C(outline, failureBits: 105)
                #expect(outline.length >= n && outline.distance >= 1 && 2 * outline.radius < outline.distance)
                #expect(encode(code, [B](repeating: .zero, count: n)) == [B](repeating: .zero, count: outline.length))

                let a: [B] = random.point(n)
                let b: [B] = random.point(n)
                let f: B = random.element()
                let (ea, eb) = (encode(code, a), encode(code, b))
                #expect(encode(code, zip(a, b).map { $0 + f * $1 }) == zip(ea, eb).map { $0 + f * $1 })

                // The combination of columns: its inner product with a message, whole and bound to a point.
                typealias E = C.F.Challenge
                let places = (0..<5).map { _ in Int.random(in: 0..<outline.length, using: &random) }
                let weights: [E] = random.point(5)
                let dual = AlignedBuffer<E>(repeating: E(3), count: n)
                code.addColumns(places, weights: weights, to: dual.pointer)
                var product = E.zero
                for i in 0..<n { product += (dual[i] - E(3)).scaled(by: a[i]) }
                #expect(product == zip(places, weights).reduce(E.zero) { $0 + $1.1.scaled(by: ea[$1.0]) })
                var left = (0..<n).map { dual[$0] - E(3) }
                let point: [E] = random.point(messageBits / 2)
                for r in point {
                    left = (0..<left.count / 2).map { left[2 * $0] + r * (left[2 * $0 + 1] - left[2 * $0]) }
                }
                #expect(code.columns(places, weights: weights, boundTo: point) == left)

                // Three messages interleaved with a stride of five, other entries untouched.
                let values = AlignedBuffer<B>(repeating: B(9), count: 5 * outline.length)
                for i in 0..<n {
                    values[5 * i] = a[i]
                    values[5 * i + 1] = b[i]
                    values[5 * i + 2] = f
                }
                code.encode(interleaved: values.pointer, stride: 5, width: 3)
                let ef = encode(code, [B](repeating: f, count: n))
                for i in 0..<outline.length {
                    #expect(values[5 * i] == ea[i] && values[5 * i + 1] == eb[i] && values[5 * i + 2] == ef[i])
                    #expect(values[5 * i + 3] == B(9) && values[5 * i + 4] == B(9))
                }

                var least = outline.length
                for trial in 0..<trials {
                    var message = [B](repeating: .zero, count: n)
                    let weight = min(n, 1 + trial % 4 + (trial % 16 == 15 ? n / 8 : 0))
                    for _ in 0..<weight { message[Int.random(in: 0..<n, using: &random)] = random.element() }
                    if trial < n {  // every message of weight one
                        message = [B](repeating: .zero, count: n)
                        message[trial] = .one
                    }
                    if message.allSatisfy(\.isZero) { continue }
                    least = min(least, encode(code, message).filter { !$0.isZero }.count)
                }
                #expect(least >= outline.distance, "\(code.description): weight \(least)")
            }
        }
    }

    @Test func reedSolomon() throws {
        try check(ReedSolomonCode<Mersenne31>.self, bits: 1...8, trials: 300)
        try check(FoldedReedSolomonCode<Mersenne31>.self, bits: 1...5, trials: 100)
        try check(ReedSolomonCode<GoldilocksField>.self, bits: 1...7, trials: 200)
        try check(ReedSolomonCode<BN254ScalarField>.self, bits: 1...5, trials: 100)
    }

    @Test func expander() throws {
        try check(ExpanderCode<Mersenne31>.self, bits: 1...9, trials: 600)
        try check(ExpanderCode<GoldilocksField>.self, bits: 5...8, trials: 300)
        try check(ExpanderCode<BN254ScalarField>.self, bits: 6...8, trials: 200)
    }

    /// The vectors that come nearest to a low weight in a Reed-Solomon code: polynomials with many zeros among the
    /// points.
    @Test func reedSolomonDistanceIsMet() throws {
        let outline = ReedSolomonCode<GoldilocksField>.outlines(messageBits: 4)[0]
        let code = ReedSolomonCode<GoldilocksField>(outline, failureBits: 105)
        let points = encode(code, [.zero, .one] + [Goldilocks](repeating: .zero, count: 14))
        var polynomial = [Goldilocks.one]
        for x in points[..<15] {
            var next = [Goldilocks](repeating: .zero, count: polynomial.count + 1)
            for (i, c) in polynomial.enumerated() {
                next[i + 1] += c
                next[i] -= x * c
            }
            polynomial = next
        }
        let weight = encode(code, polynomial).filter { !$0.isZero }.count
        #expect(weight == outline.length - 15 && weight >= outline.distance)
    }

    /// Codes exist, with the distances they promise, for every size and field.
    @Test func expanderParameters() throws {
        for bits in 7...15 {
            for outline in ExpanderCode<Mersenne31>.outlines(messageBits: bits).suffix(bits > 12 ? 1 : 10) {
                let code = try ExpanderCode<Mersenne31>(outline, failureBits: 133)
                #expect(code.budget.totalBits == 133)
            }
        }
    }
}
