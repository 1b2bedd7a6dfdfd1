import CSIMD
import Curves
import Fields
import Foundation
import Tensors
import TestSupport
import Testing

/// Cases from outside: see `Fixtures/README.md`.
enum Fixtures {
    struct Case: Decodable {
        private enum CodingKeys: String, CodingKey {
            case inputText = "Input"
            case expectedText = "Expected"
            case name = "Name"
        }
        private let inputText: String
        private let expectedText: String?
        let name: String

        var input: [UInt8] { Fixtures.bytes(inputText) }
        /// Nil where the input is to be refused.
        var expected: [UInt8]? { expectedText.map { Fixtures.bytes($0) } }
    }

    struct PyEcc: Decodable {
        struct Multiple: Decodable {
            let scalar: String
            let g1: [String]?
            /// As gnark-crypto encodes it.
            let compressed: String
            let g2: [[String]]?
        }
        /// A point of either curve.
        enum Point: Decodable {
            case g1(G1)
            case g2(G2)
            case identity
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    self = .identity
                } else if let strings = try? container.decode([String].self) {
                    self = .g1(Fixtures.g1(strings))
                } else {
                    self = .g2(Fixtures.g2(try container.decode([[String]].self)))
                }
            }
            var g1: G1? {
                switch self {
                case .g1(let p): p
                case .g2: nil
                case .identity: .identity
                }
            }
            var g2: G2? {
                switch self {
                case .g1: nil
                case .g2(let p): p
                case .identity: .identity
                }
            }
        }
        struct Sum: Decodable {
            let a: Point
            let b: Point
            let sum: Point
        }
        struct Product: Decodable {
            let points: [[String]?]
            let scalars: [String]
            let sum: [String]?
        }
        struct Value: Decodable {
            let g1: [String]
            let g2: [[String]]
            let value: [String]
        }
        let multiples: [Multiple]
        let sums: [Sum]
        let products: [Product]
        let pairings: [Value]
        let outside: [[[String]]]
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
    static func eip(_ name: String) throws -> [Case] {
        try JSONDecoder().decode(
            [Case].self, from: Data(contentsOf: folder.appendingPathComponent("eip-196-197/\(name).json")))
    }
    static func pyEcc() throws -> PyEcc {
        try JSONDecoder().decode(PyEcc.self, from: Data(contentsOf: folder.appendingPathComponent("py_ecc.json")))
    }
    static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8).map { UInt8($0 <= 0x39 ? $0 - 0x30 : ($0 | 0x20) - 0x57) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
    static func g1(_ p: [String]?) -> G1 {
        p.map { G1(x: BN254Base(decimal: $0[0])!, y: BN254Base(decimal: $0[1])!) } ?? .identity
    }
    static func g2(_ p: [[String]]?) -> G2 {
        func coordinate(_ c: [String]) -> BN254Quadratic {
            BN254Quadratic(BN254Base(decimal: c[0])!, BN254Base(decimal: c[1])!)
        }
        return p.map { G2(x: coordinate($0[0]), y: coordinate($0[1])) } ?? .identity
    }
}

@Suite struct CurveTests {
    /// The input of a precompile: missing bytes are zeros, those after it are ignored.
    private func padded(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        Array((bytes + [UInt8](repeating: 0, count: count)).prefix(count))
    }

    /// The precompiles of EIP-196 and EIP-197, made of what readers and arithmetic give; nil where they fail.
    private func add(_ input: [UInt8]) -> [UInt8]? {
        let input = padded(input, 128)
        guard let a = G1(encoded: input[..<64]), let b = G1(encoded: input[64...]) else { return nil }
        return (a + b).encoded
    }

    private func multiply(_ input: [UInt8]) -> [UInt8]? {
        let input = padded(input, 96)
        guard let p = G1(encoded: input[..<64]) else { return nil }
        // Any 256-bit integer.
        let words = (0..<4).map { i in input[(88 - 8 * i)..<(96 - 8 * i)].reduce(0) { $0 << 8 | UInt64($1) } }
        return p.multiplied(byWords: words).encoded
    }

    private func pair(_ input: [UInt8]) -> [UInt8]? {
        guard input.count % 192 == 0 else { return nil }
        var pairs: [(G1, G2)] = []
        for start in stride(from: 0, to: input.count, by: 192) {
            guard let p = G1(encoded: input[start..<start + 64]), let q = G2(encoded: input[start + 64..<start + 192])
            else { return nil }
            pairs.append((p, q))
        }
        return [UInt8](repeating: 0, count: 31) + [Pairing.isProductOne(pairs) ? 1 : 0]
    }

    @Test func eip196Add() throws {
        let cases = try Fixtures.eip("bn256Add")
        #expect(cases.count == 16)
        for c in cases { #expect(c.expected != nil && add(c.input) == c.expected, "\(c.name)") }
    }

    @Test func eip196Multiply() throws {
        let cases = try Fixtures.eip("bn256ScalarMul")
        #expect(cases.count == 19)
        for c in cases { #expect(c.expected != nil && multiply(c.input) == c.expected, "\(c.name)") }
    }

    @Test func eip197Pairing() throws {
        let cases = try Fixtures.eip("bn256Pairing")
        #expect(cases.count == 14)
        for c in cases { #expect(c.expected != nil && pair(c.input) == c.expected, "\(c.name)") }
        #expect(Set(cases.map { $0.expected?.last }) == [0, 1])
    }

    /// Those of the execution specification, most of them inputs on which the precompiles fail: points off the curve, coordinates
    /// not below p, points of the twist outside the group, wrong lengths.
    @Test func executionSpecs() throws {
        let cases = try Fixtures.eip("execution-specs")
        var refused: [String: Int] = [:]
        for c in cases {
            let operation = String(c.name.prefix { $0 != " " })
            let output: [UInt8]?
            switch operation {
            case "ecadd": output = add(c.input)
            case "ecmul": output = multiply(c.input)
            default: output = pair(c.input)
            }
            #expect(output == c.expected, "\(c.name)")
            if c.expected == nil { refused[operation, default: 0] += 1 }
        }
        #expect(cases.count == 94)
        #expect(refused == ["ecadd": 18, "ecmul": 10, "ecpairing": 24])
    }

    @Test func pyEccMultiples() throws {
        for c in try Fixtures.pyEcc().multiples {
            let scalar = try #require(BN254Scalar(decimal: c.scalar))
            let (p, q) = (Fixtures.g1(c.g1), Fixtures.g2(c.g2))
            #expect(p.isOnCurve && q.isInSubgroup)
            #expect(G1.generator.multiplied(by: scalar) == p)
            #expect(G2.generator.multiplied(by: scalar) == q)
            #expect(MultiScalar.multiples(of: .generator, by: [scalar])[0] == p)
            // Encodings and their one inverse.
            #expect(G1(encoded: p.encoded) == p && G1(compressed: p.compressed) == p)
            #expect(p.compressed == Fixtures.bytes(c.compressed))
            #expect(G1(compressed: (-p).compressed) == -p)
            #expect(G2(encoded: q.encoded) == q)
        }
    }

    @Test func pyEccSums() throws {
        for c in try Fixtures.pyEcc().sums {
            if let a = c.a.g1, let b = c.b.g1, let sum = c.sum.g1 { #expect(a + b == sum && b + a == sum) }
            if let a = c.a.g2, let b = c.b.g2, let sum = c.sum.g2 { #expect(a + b == sum && b + a == sum) }
        }
    }

    /// The coefficients of 1, w, ..., w^11 where w^6 = 9 + i.
    private func coefficients(_ value: BN254Twelfth) -> [BN254Base] {
        let c = value.coordinates
        return (0..<6).map { c[2 * $0] - BN254Base(9) * c[2 * $0 + 1] } + (0..<6).map { c[2 * $0 + 1] }
    }

    @Test func pyEccPairings() throws {
        for c in try Fixtures.pyEcc().pairings {
            let value = Pairing.pair(Fixtures.g1(c.g1), Fixtures.g2(c.g2))
            #expect(coefficients(value).map(\.decimalDescription) == c.value)
        }
    }

    @Test func pairingIsBilinear() {
        var random = CommitmentTestGenerator(seed: 9)
        let (a, b): (BN254Scalar, BN254Scalar) = (random.element(), random.element())
        let (p, q) = (G1.generator.multiplied(by: a), G2.generator.multiplied(by: b))
        #expect(Pairing.pair(p, q) == Pairing.pair(G1.generator.multiplied(by: a * b), .generator))
        #expect(Pairing.pair(p, q) != .one)
        #expect(Pairing.pair(p, .identity) == .one && Pairing.pair(.identity, q) == .one)
        #expect(Pairing.isProductOne([]))
        #expect(Pairing.isProductOne([(p, q), (-p, q)]) && Pairing.isProductOne([(p, q), (p, -q)]))
        #expect(!Pairing.isProductOne([(p, q), (p, q)]))
        #expect(
            Pairing.isProductOne([
                (p, .generator), (p.multiplied(by: a), .generator),
                (-G1.generator, G2.generator.multiplied(by: a + a * a)),
            ]))
    }

    /// Points on the twist that are not in the group, and points on neither curve.
    @Test func outsidersAreRejected() throws {
        let outside = try Fixtures.pyEcc().outside
        #expect(outside.count == 4)
        for c in outside {
            let q = Fixtures.g2(c)
            #expect(q.isOnCurve && !q.isInSubgroup)
            #expect(G2(encoded: q.encoded) == nil)
        }
        let off = G1(x: BN254Base(1), y: BN254Base(3))
        #expect(!off.isOnCurve && G1(encoded: off.encoded) == nil)
        let g = G2.generator
        let offTwist = G2(x: g.x, y: g.y + .one)
        #expect(!offTwist.isOnCurve && !offTwist.isInSubgroup && G2(encoded: offTwist.encoded) == nil)
        #expect(G2.generator.isInSubgroup && G2.identity.isInSubgroup && G1.identity.isOnCurve)
        // On the twist are those whose group alone is wrong.
        #expect(WrongPoints.all.map(\.point.isOnCurve) == [true, true, true, false, false, false])
        for (what, point) in WrongPoints.all {
            #expect(!point.isInSubgroup && G2(encoded: point.encoded) == nil, "\(what)")
        }
    }

    @Test func encodingsAreCanonical() throws {
        let p = BigInteger(words: FieldTowerTests.modulus)
        let g = G1.generator
        #expect(G1(encoded: G1.identity.encoded) == .identity && G2(encoded: G2.identity.encoded) == .identity)
        #expect(G1(compressed: G1.identity.compressed) == .identity)
        // A coordinate with the modulus added.
        var shifted = g.encoded
        shifted.replaceSubrange(0..<32, with: (p + BigInteger(1)).bytes(32).reversed())
        #expect(G1(encoded: shifted) == nil)
        var zero = [UInt8](repeating: 0, count: 64)
        zero.replaceSubrange(32..<64, with: p.bytes(32).reversed())
        #expect(G1(encoded: zero) == nil)
        for part in 0..<4 {
            var bytes = G2.generator.encoded
            let value = BigInteger(bytes: bytes[32 * part..<32 * part + 32].reversed()) + p
            bytes.replaceSubrange(32 * part..<32 * part + 32, with: value.bytes(32).reversed())
            #expect(G2(encoded: bytes) == nil)
        }
        for count in [0, 63, 65] { #expect(G1(encoded: [UInt8](repeating: 0, count: count)) == nil) }
        for count in [0, 127, 129] { #expect(G2(encoded: [UInt8](repeating: 0, count: count)) == nil) }
        for count in [0, 31, 33] { #expect(G1(compressed: [UInt8](repeating: 0, count: count)) == nil) }
        // Compressed: x = 0 has no y; flags must be one of three, and the identity all zeros.
        var bytes = g.compressed
        #expect(bytes[0] >> 6 == 2 && bytes.dropFirst().dropLast().allSatisfy { $0 == 0 } && bytes[31] == 1)
        bytes[0] &= 0x3f
        #expect(G1(compressed: bytes) == nil)
        #expect(G1(compressed: [0x41] + [UInt8](repeating: 0, count: 31)) == nil)
        #expect(G1(compressed: [0x40] + [UInt8](repeating: 0, count: 30) + [1]) == nil)
        var overflow = Array((p + BigInteger(1)).bytes(32).reversed())
        overflow[0] |= 0x80
        #expect(G1(compressed: overflow) == nil)
        let top = [UInt8](repeating: 0xff, count: 32)
        #expect(G1(compressed: top) == nil && G1(encoded: top + top) == nil)
        var rejected = 0
        for x in 1..<40 {
            var candidate = BN254Base(Int64(x)).bigEndianBytes
            candidate[0] |= 0xc0
            if let point = G1(compressed: candidate) {
                #expect(point.isOnCurve && point.compressed == candidate)
            } else {
                rejected += 1
            }
        }
        #expect(rejected > 5 && rejected < 35)
    }
}
