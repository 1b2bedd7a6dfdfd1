import Fields
import Testing

/// The arithmetic of an extension of a prime field on coordinate vectors over GMP, from the definition: the product of
/// each pair of basis elements. Degree 1 is the prime field itself.
public struct FieldOracle: Sendable {
    public let modulus: BigInteger
    /// `products[i][j]`: the coordinates of the product of basis elements i and j.
    public let products: [[[BigInteger]]]
    public var degree: Int { products.count }

    /// The integers modulo a prime, given in little-endian words.
    public init(prime words: [UInt64]) {
        modulus = BigInteger(words: words)
        products = [[[BigInteger(1)]]]
    }

    /// `F[x]/(f)` for a monic f of degree d over the prime field, as coefficients from the constant one up to that of
    /// x^d, with the basis `1, x, ..., x^(d-1)`.
    public init(prime words: [UInt64], definingPolynomial f: [Int64]) {
        precondition(f.count >= 2 && f.last == 1, "a monic polynomial of positive degree")
        let p = BigInteger(words: words)
        let degree = f.count - 1
        // x^0 to x^(2d-2) modulo f.
        var powers: [[BigInteger]] = []
        var current = (0..<degree).map { BigInteger($0 == 0 ? 1 : 0) }
        for _ in 0..<2 * degree - 1 {
            powers.append(current)
            let top = current[degree - 1]
            current = (0..<degree).map { i in
                ((i == 0 ? BigInteger(0) : current[i - 1]) - top * BigInteger(f[i])) % p
            }
        }
        modulus = p
        products = (0..<degree).map { i in (0..<degree).map { j in powers[i + j] } }
    }

    /// `base[u]/(u^2 - s)`, where s has the given coordinates, with the basis of `base` followed by its products with u.
    public init(quadraticOver base: FieldOracle, square s: [Int64]) {
        let d = base.degree
        let square = s.map { BigInteger($0) }
        let zeros = [BigInteger](repeating: BigInteger(0), count: d)
        modulus = base.modulus
        products = (0..<2 * d).map { i in
            (0..<2 * d).map { j in
                let product = base.products[i % d][j % d]
                switch (i >= d, j >= d) {
                case (false, false): return product + zeros
                case (true, true): return base.multiply(product, square) + zeros
                default: return zeros + product
                }
            }
        }
    }

    public func multiply(_ a: [BigInteger], _ b: [BigInteger]) -> [BigInteger] {
        var result = [BigInteger](repeating: BigInteger(0), count: degree)
        for i in 0..<degree {
            for j in 0..<degree {
                let product = a[i] * b[j]
                for k in 0..<degree { result[k] = (result[k] + product * products[i][j][k]) % modulus }
            }
        }
        return result
    }

    public func element<E: Field>(_: E.Type, _ coordinates: [BigInteger]) -> E? {
        let width = E.byteCount / degree
        return E(canonical: coordinates.flatMap { $0.bytes(width) })
    }

    public func coordinates<E: Field>(_ element: E) -> [BigInteger] {
        var bytes = [UInt8](repeating: 0xa5, count: E.byteCount)
        bytes.withUnsafeMutableBytes { element.write(to: $0.baseAddress!) }
        let width = E.byteCount / degree
        return (0..<degree).map { BigInteger(bytes: Array(bytes[$0 * width..<($0 + 1) * width])) }
    }

    /// Integers near which carries and reductions go wrong: 0, 1, 2, p-1, p-2, the halves, and 2^k with its neighbours.
    public var edgeValues: [BigInteger] {
        let (p, one) = (modulus, BigInteger(1))
        var values = [
            BigInteger(0), one, BigInteger(2), p - one, p - BigInteger(2), p / BigInteger(2), p / BigInteger(2) + one,
        ]
        for k in 1...p.bitCount {
            for offset in [-1, 0, 1] as [Int64] {
                values.append((BigInteger.powerOfTwo(k) + BigInteger(offset)) % p)
                values.append((p - BigInteger.powerOfTwo(k) - BigInteger(offset)) % p)
            }
        }
        return values
    }
}

private struct Words: Sendable {
    var state: UInt64
    mutating func next() -> UInt64 {
        // SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Elements whose coordinates are edge values and random ones mixed, every edge value at least once.
private func samples<E: Field>(_: E.Type, _ oracle: FieldOracle, count: Int, _ random: inout Words) -> [E] {
    let edges = oracle.edgeValues
    let wordCount = (oracle.modulus.bitCount + 63) / 64 + 1
    return (0..<max(count, edges.count)).map { i in
        let coordinates = (0..<oracle.degree).map { j in
            if j == i % oracle.degree && i < edges.count { return edges[i] }
            if random.next() % 2 == 0 { return edges[Int(random.next() % UInt64(edges.count))] }
            return BigInteger(words: (0..<wordCount).map { _ in random.next() }) % oracle.modulus
        }
        return oracle.element(E.self, coordinates)!
    }
}

private func power<E: Field>(_ base: E, _ exponent: BigInteger) -> E {
    var result = E.one
    for byte in exponent.bytes((exponent.bitCount + 7) / 8).reversed() {
        result = result.power(256) * base.power(UInt64(byte))
    }
    return result
}

/// Checks a field against its definition (`oracle`) and the laws of a field, over random and edge values.
public func checkFieldLaws<E: Field>(
    _: E.Type, oracle: FieldOracle, samples count: Int = 500, seed: UInt64 = 1,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    var random = Words(state: seed)
    let p = oracle.modulus
    let values = samples(E.self, oracle, count: count, &random)
    func reduced(_ coordinates: [BigInteger]) -> [BigInteger] { coordinates.map { $0 % p } }

    #expect(E.zero.isZero && !E.one.isZero, sourceLocation: sourceLocation)
    #expect(
        oracle.coordinates(E.one).map(\.description) == (0..<oracle.degree).map { $0 == 0 ? "1" : "0" },
        sourceLocation: sourceLocation)
    #expect(E.zero.inverse() == nil, sourceLocation: sourceLocation)
    #expect(E.one.inverse() == E.one, sourceLocation: sourceLocation)

    for a in values {
        let b = values[Int(random.next() % UInt64(values.count))]
        let c = values[Int(random.next() % UInt64(values.count))]
        let (x, y) = (oracle.coordinates(a), oracle.coordinates(b))
        let sum = oracle.element(E.self, reduced(zip(x, y).map { $0 + $1 }))
        let difference = oracle.element(E.self, reduced(zip(x, y).map { $0 - $1 }))
        let product = oracle.element(E.self, oracle.multiply(x, y))
        #expect(a + b == sum, "\(a) + \(b)", sourceLocation: sourceLocation)
        #expect(a - b == difference, "\(a) - \(b)", sourceLocation: sourceLocation)
        #expect(a * b == product, "\(a) * \(b)", sourceLocation: sourceLocation)
        #expect(
            -a == oracle.element(E.self, reduced(x.map { BigInteger(0) - $0 })), "-\(a)", sourceLocation: sourceLocation
        )
        #expect(
            a.squared() == oracle.element(E.self, oracle.multiply(x, x)), "\(a) squared", sourceLocation: sourceLocation
        )
        #expect(a.doubled == a + a, sourceLocation: sourceLocation)
        #expect(a * b == b * a && a + b == b + a, "\(a), \(b)", sourceLocation: sourceLocation)
        #expect((a * b) * c == a * (b * c), "\(a), \(b), \(c)", sourceLocation: sourceLocation)
        #expect((a + b) + c == a + (b + c), "\(a), \(b), \(c)", sourceLocation: sourceLocation)
        #expect(a * (b + c) == a * b + a * c, "\(a), \(b), \(c)", sourceLocation: sourceLocation)
        #expect((a + b) - b == a && a - a == .zero && a + -a == .zero, "\(a), \(b)", sourceLocation: sourceLocation)
        #expect(((a + b) - b).hashValue == a.hashValue, sourceLocation: sourceLocation)
        #expect(a * .one == a && a * .zero == .zero && a + .zero == a, "\(a)", sourceLocation: sourceLocation)
        if a.isZero {
            #expect(a.inverse() == nil, sourceLocation: sourceLocation)
        } else if let inverse = a.inverse() {
            #expect(
                oracle.multiply(oracle.coordinates(inverse), x) == oracle.coordinates(E.one), "1/\(a)",
                sourceLocation: sourceLocation)
            if oracle.degree == 1 {
                #expect(
                    oracle.coordinates(inverse)[0] == x[0].inverse(modulo: p), "1/\(a)", sourceLocation: sourceLocation)
            }
        } else {
            Issue.record("\(a) has no inverse", sourceLocation: sourceLocation)
        }
    }

    // Fermat: a^(p^degree) = a.
    let order = (0..<oracle.degree).reduce(BigInteger(1)) { product, _ in product * p }
    for a in values.prefix(20) { #expect(power(a, order) == a, "\(a)", sourceLocation: sourceLocation) }
    for a in values.prefix(20) {
        #expect(
            a.power(0) == .one && a.power(1) == a && a.power(5) == a * a * a * a * a, sourceLocation: sourceLocation)
        let list = a.powers(4)
        #expect(list == [.one, a, a * a, a * a * a], sourceLocation: sourceLocation)
    }

    // Canonical encodings, also at an odd address; every coordinate at or above the modulus is refused.
    let width = E.byteCount / oracle.degree
    #expect(
        width * oracle.degree == E.byteCount && BigInteger.powerOfTwo(8 * width) > p, sourceLocation: sourceLocation)
    for a in values {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: E.byteCount + 2, alignment: 16)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0x5a, count: E.byteCount + 2)
        a.write(to: memory + 1)
        #expect(E(canonical: memory + 1) == a, "\(a)", sourceLocation: sourceLocation)
        #expect(memory.load(as: UInt8.self) == 0x5a, sourceLocation: sourceLocation)
        #expect((memory + E.byteCount + 1).load(as: UInt8.self) == 0x5a, sourceLocation: sourceLocation)
    }
    let top = BigInteger.powerOfTwo(8 * width)
    let tooLarge = [
        p, p + BigInteger(1), p + p - BigInteger(1), p + p, top - BigInteger(1), BigInteger.powerOfTwo(8 * width - 1),
    ]
    for value in tooLarge where value >= p && value < top {
        for position in 0..<oracle.degree {
            let coordinates = (0..<oracle.degree).map { $0 == position ? value : BigInteger(3) }
            #expect(oracle.element(E.self, coordinates) == nil, "\(value) accepted", sourceLocation: sourceLocation)
        }
    }

    // Integers.
    var integers: [Int64] = [0, 1, -1, 2, -2, .min, .min + 1, .max, .max - 1]
    for k in 1..<63 { integers += [1 << k, -(1 << k), (1 << k) - 1, 1 - (1 << k), (1 << k) + 1] }
    for _ in 0..<100 { integers.append(Int64(bitPattern: random.next())) }
    for integer in integers {
        let expected = (0..<oracle.degree).map { $0 == 0 ? BigInteger(integer) % p : BigInteger(0) }
        #expect(E(integer) == oracle.element(E.self, expected), "\(integer)", sourceLocation: sourceLocation)
    }

    // Uniform sampling: draws at or above the modulus are refused, results are canonical and not all alike.
    var seen: Set<E> = []
    for i in 0..<50 {
        var ones = i % 9
        let element = E.uniform {
            ones -= 1
            return ones >= 0 ? .max : random.next()
        }
        #expect(oracle.coordinates(element).allSatisfy { $0 < p }, sourceLocation: sourceLocation)
        seen.insert(element)
    }
    #expect(seen.count > 40, sourceLocation: sourceLocation)
}

/// `checkFieldLaws`, and how the extension sits over its base field.
public func checkExtensionLaws<E: ExtensionField>(
    _: E.Type, oracle: FieldOracle, samples count: Int = 500, seed: UInt64 = 2,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    checkFieldLaws(E.self, oracle: oracle, samples: count, seed: seed, sourceLocation: sourceLocation)
    var random = Words(state: seed &+ 1)
    let prime = FieldOracle(
        prime: (0..<(oracle.modulus.bitCount + 63) / 64).map { i in
            let bytes = oracle.modulus.bytes(8 * ((oracle.modulus.bitCount + 63) / 64))
            return (0..<8).reduce(0) { $0 | UInt64(bytes[8 * i + $1]) << (8 * UInt64($1)) }
        })
    #expect(E.degree == oracle.degree, sourceLocation: sourceLocation)
    let elements = samples(E.self, oracle, count: count, &random)
    let bases = samples(E.Base.self, prime, count: count, &random)
    for i in 0..<count {
        let (a, x, y) = (elements[i], bases[i], bases[Int(random.next() % UInt64(bases.count))])
        let coordinates = (0..<E.degree).map { a.coordinate($0) }
        #expect(E(coordinates: coordinates) == a, "\(a)", sourceLocation: sourceLocation)
        #expect(
            coordinates.map { prime.coordinates($0)[0] } == oracle.coordinates(a), "\(a)",
            sourceLocation: sourceLocation)
        #expect(a.scaled(by: x) == a * E(x), "\(a) scaled by \(x)", sourceLocation: sourceLocation)
        #expect(
            E(x) + E(y) == E(x + y) && E(x) * E(y) == E(x * y) && -E(x) == E(-x), "\(x), \(y)",
            sourceLocation: sourceLocation)
        #expect(
            E(x).coordinate(0) == x && (1..<max(1, E.degree)).allSatisfy { E(x).coordinate($0).isZero },
            sourceLocation: sourceLocation)
        let integer = Int64(bitPattern: random.next())
        #expect(E(integer) == E(E.Base(integer)), "\(integer)", sourceLocation: sourceLocation)
    }
}
