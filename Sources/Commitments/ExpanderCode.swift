import Fields
import Tensors
import Transcripts

/// The linear-time code of Brakedown (Golovnev, Lee, Setty, Thaler, Wahby, ePrint 2021/1043, section 5; after Spielman
/// and Druk-Ishai), for any field.
///
/// A message x of n entries becomes (x, z, v) of length N = ceil(r n), where y = x A has m = ceil(alpha n) entries, z
/// is the code word of y, and v = z B. A and B are sparse: each row of A has c entries, each row of B has d, at
/// distinct random places, with random values other than zero. Messages of up to 64 entries are evaluated as
/// polynomials at 0, 1, 2, ..., which gives distance N - n + 1.
///
/// **Theorem (distance).** Let D = ceil(beta n) and D' the distance of z's code. Suppose (A) no x of weight 1...D-1 has
/// x A = 0, and (B) every z of weight k in D'...D-1 has |z B| >= D - k - 1. Then the distance is at least D: for x of
/// weight D or more there is nothing to show; else y is not zero, so |z| >= D', and |x| + |z| + |v| >= 1 + k + (D - k -
/// 1) unless |z| >= D.
///
/// **Theorem (degrees).** For matrices drawn at random, (A) and (B) fail with a probability that a union bound over
/// supports S of weight k and over the number t of columns that the rows in S hit bounds by
///
///     (A)  sum_k C(n, k) sum_t C(m, t) (C(t, c)/C(m, c))^k min(1, (q-1)^(k-1-t))
///     (B)  sum_k C(n', k) sum_t C(m', t) (C(t, d)/C(m', d))^k min(1, (q-1)^(k-1) w C(t, w-1) (q-1)^(w-1-t))
///
/// with w = D - k - 1, n' the length of z and m' that of v.
///
/// There are (q-1)^(k-1) vectors with support S up to factors; C(m, t) (C(t, c)/C(m, c))^k bounds the probability that
/// S hits t columns; and then each of these sums vanishes with probability at most 1/(q-1), independently of the
/// others. (Weight 1 in (A) never fails.) c and d are chosen so that these sums are below the share of
/// `failureBits`; q is the size of the *base* field, so small fields get the degrees that they need. The seed is a
/// fixed public string: that the code drawn from it has its distance is a statement about one draw, true but for the
/// probability in `budget`.
///
/// **Theorem (proximity).** For any code of distance d and e < d/3 the line theorem holds with a = e + 1 (Roth and
/// Zémor, quoted in Ligero, CCS 2017; Diamond and Posen, ePrint 2023/630). Proof: let u + z v be within e of a code
/// word for all z of a set S of e + 2 or more. Two of these words span a line a + z b of code words. For a third z the
/// word nearest to u + z v differs from a + z b in at most 3e < d places, so it is equal. Let u and v differ from a and
/// b in a set of M > e places. Each place agrees for one z at most, and each z in S has at least M - e that agree: |S|
/// (M - e) <= M, so |S| <= e + 1, a contradiction.
public struct ExpanderCode<F: ProofField>: LinearCode {
    public let outline: CodeOutline
    public let budget: SoundnessBudget
    @usableFromInline let levels: [Level]
    /// The first entry, length of the message and length of the code word of the smallest code, with the powers of its
    /// evaluation points.
    @usableFromInline let base: (first: Int, messageLength: Int, length: Int, powers: AlignedBuffer<F.Base>)

    /// A sparse matrix: `degree` entries a row.
    @usableFromInline
    struct SparseMatrix: Sendable {
        @usableFromInline let rows: Int
        @usableFromInline let columns: Int
        @usableFromInline let degree: Int
        @usableFromInline let places: AlignedBuffer<UInt32>
        @usableFromInline let values: AlignedBuffer<F.Base>

        init(label: String, rows: Int, columns: Int, degree: Int) {
            self.rows = rows
            self.columns = columns
            self.degree = degree
            places = AlignedBuffer(uninitialized: rows * degree)
            values = AlignedBuffer(uninitialized: rows * degree)
            let name = "Assay expander code 1 \(F.name) \(label) \(rows) x \(columns), \(degree) a row"
            let (places, values) = (places, values)
            let chunk = 512
            Parallel.forEach((rows + chunk - 1) / chunk) { c in
                var random = SeededWords(seed: "\(name), part \(c)")
                for row in c * chunk..<min(rows, (c + 1) * chunk) {
                    let rowPlaces = places.pointer + row * degree
                    let rowValues = values.pointer + row * degree
                    var k = 0
                    while k < degree {
                        let place = UInt32(truncatingIfNeeded: random.below(UInt64(columns)))
                        var isNew = true
                        for i in 0..<k where rowPlaces[i] == place { isNew = false }
                        if !isNew { continue }
                        rowPlaces[k] = place
                        repeat { rowValues[k] = F.Base.uniform { random.next() } } while rowValues[k].isZero
                        k += 1
                    }
                }
            }
        }

        /// `output = input x matrix` for `width` interleaved vectors.
        func multiply(
            _ input: UnsafePointer<F.Base>, into output: UnsafeMutablePointer<F.Base>, stride: Int, width: Int
        ) {
            for j in 0..<columns { (output + j * stride).fill(.zero, count: width) }
            var place = UnsafePointer(places.pointer)
            var value = UnsafePointer(values.pointer)
            for i in 0..<rows {
                for _ in 0..<degree {
                    F.addScaled(
                        base: input + i * stride, by: value.pointee, to: output + Int(place.pointee) * stride,
                        count: width)
                    place += 1
                    value += 1
                }
            }
        }
    }

    /// What a matrix was to multiply from the right comes from the left: `input[i] += sum_k value * output[place]`.
    static func multiplyTransposed(
        _ matrix: SparseMatrix, _ output: UnsafePointer<F.Challenge>, addTo input: UnsafeMutablePointer<F.Challenge>
    ) {
        for i in 0..<matrix.rows {
            var sum = input[i]
            for k in i * matrix.degree..<(i + 1) * matrix.degree {
                sum += output[Int(matrix.places.pointer[k])].scaled(by: matrix.values.pointer[k])
            }
            input[i] = sum
        }
    }

    /// The steps of `encode`, transposed and in the opposite order.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func addColumns(
        _ columns: [Int], weights: [F.Challenge], to output: UnsafeMutablePointer<F.Challenge>
    ) {
        let dual = AlignedBuffer<F.Challenge>(repeating: .zero, count: outline.length)
        for (j, weight) in zip(columns, weights) { dual.pointer[j] += weight }
        for level in levels {
            Self.multiplyTransposed(level.b, dual.pointer + level.check, addTo: dual.pointer + level.inner)
        }
        var message = [F.Challenge](repeating: .zero, count: base.messageLength)
        for p in 0..<base.length {
            for i in 0..<base.messageLength {
                message[i] += dual.pointer[base.first + p].scaled(by: base.powers.pointer[p * base.messageLength + i])
            }
        }
        for (i, value) in message.enumerated() { dual.pointer[base.first + i] = value }
        for level in levels.reversed() {
            Self.multiplyTransposed(level.a, dual.pointer + level.inner, addTo: dual.pointer + level.message)
        }
        F.add(output, dual.pointer, into: output, count: 1 << outline.messageBits)
    }

    @usableFromInline
    struct Level: Sendable {
        /// The first entries of x, of z and of v in the code word of the whole message.
        @usableFromInline let message: Int
        @usableFromInline let inner: Int
        @usableFromInline let check: Int
        @usableFromInline let a: SparseMatrix
        @usableFromInline let b: SparseMatrix
    }

    public static var schemeName: String { "orion-expander" }
    public static var options: Set<CommitmentOptions.Key> { [.columns, .arity, .grinding, .cap, .queries, .switch] }

    public static func outlines(messageBits: Int) -> [CodeOutline] {
        guard messageBits <= 22 else { return [] }
        let n = 1 << messageBits
        return ExpanderParameters.rows.indices.map { variant in
            let row = ExpanderParameters.rows[variant]
            let length = row.length(n)
            let distance = row.distance(n)
            let radius = (distance - 1) / 3
            return CodeOutline(
                messageBits: messageBits, variant: variant, length: length, distance: distance, radius: radius,
                lineThreshold: radius + 1,
                encodingNanoseconds: n * row.edges * max(F.Base.byteCount, F.Base.byteCount * F.Base.byteCount / 6) / 8,
                setupNanoseconds: messageBits > 6 ? n * row.edges * (10 + 2 * F.Base.byteCount) : 0)
        }
    }

    public init(_ outline: CodeOutline, failureBits: Int) throws {
        self.outline = outline
        let row = ExpanderParameters.rows[outline.variant]
        let bits = Double(failureBits)
        // At most 22 matrices, for 2^22 entries shrink to 64 in 11 steps by 0.34: 32 shares are enough.
        let parameters = try ExpanderParameters.levels(
            1 << outline.messageBits, row: row, fieldBits: TensorCodeParameters<F, Self>.baseBits, failureBits: bits + 5
        )
        var levels: [Level] = []
        var first = 0
        for p in parameters {
            levels.append(
                Level(
                    message: first, inner: first + p.n, check: first + p.n + p.innerLength,
                    a: SparseMatrix(label: "A", rows: p.n, columns: p.m, degree: p.c),
                    b: SparseMatrix(label: "B", rows: p.innerLength, columns: p.checks, degree: p.d)))
            first += p.n
        }
        self.levels = levels
        let size = parameters.last?.m ?? 1 << outline.messageBits
        let length = row.length(size)
        let powers = AlignedBuffer<F.Base>(uninitialized: size * length)
        for p in 0..<length {
            var power = F.Base.one
            for i in 0..<size {
                powers[p * size + i] = power
                power *= F.Base(Int64(p))
            }
        }
        base = (first, size, length, powers)
        budget = SoundnessBudget(
            levels.isEmpty
                ? []
                : [
                    .init(
                        name: "distance of the code", bits: bits,
                        theorem: "union bound over the draw from a fixed public seed")
                ])
    }

    public var description: String {
        let degrees = levels.map { "\($0.a.rows):\($0.a.degree),\($0.b.degree)" }.joined(separator: " ")
        return
            "expander \(1 << outline.messageBits)/\(outline.length) distance \(outline.distance) degrees [\(degrees)]"
    }

    public var proximityTheorem: String { "Roth-Zémor, radius below a third of the distance" }

    /// Edges are costly to walk, so more messages at a time than a cache line holds.
    public static var preferredWidth: Int { max(8, 256 / F.Base.byteCount) }

    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    public func encode(interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int) {
        for level in levels {
            level.a.multiply(
                values + level.message * stride, into: values + level.inner * stride, stride: stride, width: width)
        }
        let message = AlignedBuffer<F.Base>(uninitialized: base.messageLength * width)
        for i in 0..<base.messageLength {
            (message.pointer + i * width).update(from: values + (base.first + i) * stride, count: width)
        }
        for p in 0..<base.length {
            let target = values + (base.first + p) * stride
            target.update(from: message.pointer, count: width)
            for i in 1..<max(base.messageLength, 1) {
                F.addScaled(
                    base: message.pointer + i * width, by: base.powers.pointer[p * base.messageLength + i], to: target,
                    count: width)
            }
        }
        for level in levels.reversed() {
            level.b.multiply(
                values + level.inner * stride, into: values + level.check * stride, stride: stride, width: width)
        }
    }
}

/// Orion-style commitments with a linear-time code, "orion-expander".
public typealias OrionExpanderScheme<F: ProofField> = TensorCodeScheme<F, ExpanderCode<F>>

/// Uniform words from a string: BLAKE3 of its digest and a counter.
struct SeededWords {
    private let words = AlignedBuffer<UInt64>(uninitialized: 256)
    private let input: AlignedBuffer<UInt64>
    private var block: UInt64 = 0
    private var position = 256

    init(seed: String) {
        // Rows of five words: the digest and the counter.
        input = AlignedBuffer(uninitialized: 5 * 64)
        let digest = HashFunction.blake3.hash(Array(seed.utf8))
        for row in 0..<64 {
            UnsafeMutableRawPointer(input.pointer + 5 * row).storeBytes(of: digest, as: Digest.self)
        }
    }

    mutating func next() -> UInt64 {
        if position == 256 { refill() }
        position += 1
        return UInt64(littleEndian: words.pointer[position - 1])
    }

    /// Uniform in `0..<bound`, by rejection (Lemire 2019).
    mutating func below(_ bound: UInt64) -> UInt64 {
        while true {
            let (high, low) = next().multipliedFullWidth(by: bound)
            // The remainder is needed only where the low word is below the bound.
            if low >= bound || low >= (0 &- bound) % bound { return high }
        }
    }

    private mutating func refill() {
        for row in 0..<64 { input.pointer[5 * row + 4] = (block + UInt64(row)).littleEndian }
        block += 64
        words.pointer.withMemoryRebound(to: Digest.self, capacity: 64) {
            HashFunction.blake3.hashRows(input.pointer, rowBytes: 40, rowCount: 64, into: $0)
        }
        position = 0
    }
}
