import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reed-Solomon over M31 on the circle x^2 + y^2 = 1, whose group has 2^31 points (Haböck, Levit, Papini, "Circle
/// STARKs", ePrint 2024/278).
///
/// A message of length 2^k lists coefficients in the basis of the circle FFT: entry `i` belongs to
/// `y^b0 x^b1 (2x^2-1)^b2 ...` with `b` the bits of `i`, each further factor being the previous one under the squaring
/// map `v -> 2v^2-1`. It is evaluated on the standard-position coset of size 2^n, the points of order 2^(n+1). Every
/// function with k bits is a polynomial of degree at most 2^(k-1) and so has at most 2^k zeros on the circle, which
/// gives the distance that `ProofField` asks for.
///
/// **Positions.** Call bit m of a position the sign of the m-th factor: position `t` is the point at which the
/// factors have the values `(-1)^(t_m) w_m`, where `w_m` depends on the bits of `t` above m only. Hence stage m of
/// the transform, from the highest factor down, maps `(a, b)` to `(a + w b, a - w b)` with one twiddle a block of
/// 2^(m+1) entries, and stages in which all upper halves are zero merely copy: encoding starts by repeating the
/// message.
///
/// **Twiddles.** The factor m >= 1 of a code of 2^n points takes 2^(n-1-m) values up to sign; they depend on the
/// depth d = n - 1 - m only, so one table a depth serves all sizes. Entry j of table d is the abscissa of the point
/// with angle 2^(28-d) + sum of j_i 2^(29-i), in multiples of the generator's. Neighbours 2i and 2i+1 are a quarter
/// turn apart, so each is up to sign the other's ordinate: stage 0 reads the table of stage 1 with neighbours
/// exchanged, the order of a point and its conjugate being free.
enum CircleCode {
    /// Standard-position cosets of 2^n points consist of points of order 2^(n+1), and the group has 2^31.
    static var maximumBits: Int { 30 }

    /// A generator of the circle group, as the complex number x + iy: the group law is complex multiplication.
    static var generator: CM31 { CM31(M31(unchecked: 2), M31(unchecked: 1_268_011_823)) }

    /// generator^(2^bits).
    static func generator(squared bits: Int) -> CM31 { generators[bits] }

    private static let generators = {
        var points = [generator]
        for bits in 0..<31 { points.append(points[bits] * points[bits]) }
        return points
    }()

    /// Pointers to the tables of all depths, those that codes of 2^bits points need being filled in. Tables are made
    /// on first use and kept.
    static func twiddles(bits: Int) -> UnsafePointer<UnsafePointer<UInt32>?> {
        cache.prepare(depths: max(0, bits - 1))
    }

    static func makeTwiddles(depth: Int) -> AlignedBuffer<UInt32> {
        let table = AlignedBuffer<UInt32>(uninitialized: 1 << depth)
        let points = AlignedBuffer<CM31>(uninitialized: 1 << depth)
        points[0] = generator(squared: 28 - depth)
        table[0] = points[0].real.value
        for i in 0..<depth {
            let turn = generator(squared: 29 - i)
            for j in 0..<(1 << i) {
                let point = points.pointer[j] * turn
                points.pointer[j + (1 << i)] = point
                table.pointer[j + (1 << i)] = point.real.value
            }
        }
        return table
    }

    /// The twiddle of a pair, without tables.
    static func factor(codeBits: Int, level: Int, pair: Int) -> M31 {
        if codeBits == 1 { return .one }
        let (depth, entry) = place(codeBits, level, pair)
        var point = generator(squared: 28 - depth)
        for i in 0..<depth where entry >> i & 1 == 1 { point = point * generator(squared: 29 - i) }
        return point.real
    }

    /// The twiddles, with their signs, at a position of the word of a level and at those that it folds to: the abscissa of one
    /// point under repeated squaring, after the ordinate that level 0 has.
    static func factors(codeBits: Int, level: Int, position: Int, count: Int) -> [M31] {
        func signed(_ level: Int, _ position: Int) -> M31 {
            let factor = factor(codeBits: codeBits, level: level, pair: position >> 1)
            return position & 1 == 0 ? factor : -factor
        }
        guard count > 0 else { return [] }
        var factors = [signed(level, position)]
        while factors.count < count {
            let x = factors[factors.count - 1]
            factors.append(level == 0 && factors.count == 1 ? signed(1, position >> 1) : (x * x + x * x) - .one)
        }
        return factors
    }

    /// The twiddles of all pairs of a level.
    static func factors(codeBits: Int, level: Int, into factors: UnsafeMutablePointer<M31>) {
        if codeBits == 1 {
            factors[0] = .one
            return
        }
        let table = twiddles(bits: codeBits)[place(codeBits, level, 0).depth]!
        for j in 0..<1 << (codeBits - 1 - level) { factors[j] = M31(unchecked: table[place(codeBits, level, j).entry]) }
    }

    /// Where the tables have the twiddle of a pair.
    private static func place(_ codeBits: Int, _ level: Int, _ pair: Int) -> (depth: Int, entry: Int) {
        if level > 0 { return (codeBits - 1 - level, pair) }
        return (codeBits - 2, codeBits == 2 ? 0 : (pair >> 1) ^ 1)
    }

    static let cache = TwiddleCache()

    final class TwiddleCache: @unchecked Sendable {
        private var tables: [AlignedBuffer<UInt32>] = []
        private let pointers = UnsafeMutablePointer<UnsafePointer<UInt32>?>.allocate(capacity: 29)
        private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

        init() {
            pthread_mutex_init(lock, nil)
            pointers.initialize(repeating: nil, count: 29)
        }

        /// Entries below `depths` are written once and never change, so that readers need no lock.
        func prepare(depths: Int) -> UnsafePointer<UnsafePointer<UInt32>?> {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            while tables.count < depths {
                let table = makeTwiddles(depth: tables.count)
                pointers[tables.count] = UnsafePointer(table.pointer)
                tables.append(table)
            }
            return UnsafePointer(pointers)
        }
    }
}
