import CSIMD
import Fields
import Foundation
import Tensors
import Testing

/// `F` without its overrides: every bulk operation is the portable default of `ProofField`.
public enum PortableOracle<F: ProofField>: ProofField {
    public typealias Base = F.Base
    public typealias Challenge = F.Challenge
    public static var name: String { F.name + " portable" }
    public static var modulus: [UInt64] { F.modulus }
    public static var integerBound: Int64 { F.integerBound }
    public static var challengeBits: Int { F.challengeBits }
    public static var maximumCodeBits: Int { F.maximumCodeBits }
    /// The code has no portable default: `checkKernels` takes its values one by one from a function.
    public static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<F.Base>, stride: Int, width: Int, messageBits: Int,
        logInverseRate: Int
    ) {
        fatalError("the oracle does not encode")
    }
    public static func foldingFactor(codeBits: Int, level: Int, pair: Int) -> F.Base {
        F.foldingFactor(codeBits: codeBits, level: level, pair: pair)
    }
    public static func foldingFactors(codeBits: Int, level: Int, position: Int, count: Int) -> [F.Base] {
        F.foldingFactors(codeBits: codeBits, level: level, position: position, count: count)
    }
    public static func foldingFactors(codeBits: Int, level: Int, into factors: UnsafeMutablePointer<F.Base>) {
        F.foldingFactors(codeBits: codeBits, level: level, into: factors)
    }
}

private let levelLock = NSLock()

/// Runs `body` at every CPU level up to the supported one and restores the level. One caller at a time; tests elsewhere
/// that run meanwhile see the levels change, which no result may depend on.
public func atEveryLevel(_ body: (_ name: String) -> Void) {
    levelLock.lock()
    let before = csimd_current_level()
    defer {
        csimd_set_level(before)
        levelLock.unlock()
    }
    for (level, name) in [
        (CSIMD_LEVEL_PORTABLE, "portable"), (CSIMD_LEVEL_AVX2, "avx2"), (CSIMD_LEVEL_AVX512, "avx512"),
    ] where level.rawValue <= csimd_supported_level().rawValue {
        csimd_set_level(level)
        body(name)
    }
}

/// Compares every bulk operation of `F` with the portable default, at every CPU level, on random and extreme values,
/// at awkward lengths, at addresses with no more than the element's own alignment, and in place where the protocol
/// allows it.
///
/// - Parameter code: the entry of the code word of a message at a position, by evaluation.
public func checkKernels<F: ProofField>(
    _: F.Type, code: @escaping (_ message: [F.Base], _ logInverseRate: Int, _ position: Int) -> F.Base
) {
    atEveryLevel { level in
        var check = KernelCheck<F>(level: level)
        check.vectors()
        check.rounds()
        check.equalLanes()
        check.longSums()
        check.integers(Int8.self)
        check.integers(Int16.self)
        check.integers(Int32.self)
        check.integers(Int64.self)
        check.accumulators(Int8.self)
        check.accumulators(Int16.self)
        check.accumulators(Int32.self)
        check.interleaving()
        check.writing()
        check.codes(code)
    }
}

/// How the inputs of one comparison are chosen.
private enum Filling: CaseIterable {
    case random
    /// Each value picked from the extremes.
    case edges
    /// p - 1 everywhere, the least integer everywhere.
    case top
    /// The greatest integer everywhere; for field elements all ones.
    case bottom
}

/// Elements between guard bytes, at an address that is a multiple of the element's alignment and of nothing more. For
/// AddressSanitizer (`make sanitize`) nothing follows the elements, so that it sees what is read behind them, too.
private final class GuardedVector<E: BitwiseCopyable> {
    let count: Int
    let pointer: UnsafeMutablePointer<E>
    private let raw: UnsafeMutableRawPointer
    private let size: Int
    private let start: Int
    private static var fence: UInt8 { 0xa5 }

    init(count: Int) {
        self.count = count
        start = 128 + MemoryLayout<E>.alignment
        #if SANITIZED
            size = start + count * MemoryLayout<E>.stride
        #else
            size = start + count * MemoryLayout<E>.stride + 128
        #endif
        raw = .allocate(byteCount: size, alignment: 128)
        raw.initializeMemory(as: UInt8.self, repeating: Self.fence, count: size)
        pointer = (raw + start).bindMemory(to: E.self, capacity: count)
    }

    convenience init(_ elements: [E]) {
        self.init(count: elements.count)
        for (i, e) in elements.enumerated() { pointer[i] = e }
    }

    deinit { raw.deallocate() }

    var array: [E] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
    var buffer: UnsafeBufferPointer<E> { UnsafeBufferPointer(start: pointer, count: count) }

    /// Whether nothing was written outside.
    var isIntact: Bool {
        let end = start + count * MemoryLayout<E>.stride
        return [0..<start, end..<size].joined().allSatisfy {
            raw.load(fromByteOffset: $0, as: UInt8.self) == Self.fence
        }
    }
}

private struct KernelCheck<F: ProofField> {
    typealias Base = F.Base
    typealias Challenge = F.Challenge
    typealias Oracle = PortableOracle<F>

    let level: String
    var random = SplitMix64(seed: 0x6b65_726e_656c)
    let edges: [Base]
    /// Those that are edges as values, and the full limbs.
    let weights: [Base]
    /// Edge values of the words that are stored: those with all limbs of some vector form full or empty.
    let fullLimbs: [Base]
    static var counts: [Int] { [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 1031] }

    init(level: String) {
        self.level = level
        var edges = [Base.zero, .one, -.one, Base(-2), Base(2)]
        let half = Base(2).inverse()!
        edges += [half, -half, half - .one]
        var power = Base.one
        // Limb boundaries of every representation, twice around for the longest.
        for _ in 0..<260 {
            edges += [power, power - .one, power + .one, -power]
            power = power.doubled
        }
        fullLimbs = Self.fullLimbs()
        func distinct(_ all: [Base]) -> [Base] {
            var known: Set<Base> = []
            return all.filter { known.insert($0).inserted }
        }
        weights = distinct(edges + fullLimbs)
        self.edges = distinct(weights + Self.wordEdges())
    }

    /// The element with these words in memory, if they are less than the modulus and fit the element.
    private static func stored(_ words: [UInt64]) -> Base? {
        let size = MemoryLayout<Base>.size
        var padded = words + [UInt64](repeating: 0, count: max(0, (size + 7) / 8 - words.count))
        for (word, limit) in zip(padded, F.modulus + [UInt64](repeating: 0, count: padded.count)).reversed()
        where word != limit {
            guard word < limit else { return nil }
            return padded.withUnsafeMutableBytes { $0.load(as: Base.self) }
        }
        return nil
    }

    /// Words with one bit, with all below it, their neighbours, and the same off the modulus: fields that store another
    /// form than the value (Montgomery's) do not get these from `edges`.
    private static func wordEdges() -> [Base] {
        let modulus = F.modulus
        var found: [Base] = []
        for bit in 0..<64 * modulus.count {
            let power = (0..<modulus.count).map { $0 == bit / 64 ? UInt64(1) << UInt64(bit % 64) : 0 }
            let one = (0..<modulus.count).map { UInt64($0 == 0 ? 1 : 0) }
            let all = [
                power, adding(power, one), subtracting(power, one), subtracting(modulus, power),
                subtracting(subtracting(modulus, power), one),
            ]
            found += all.compactMap(stored)
        }
        return found
    }

    /// Every choice of empty and full limbs of 16, 26, 32, 51 and 52 bits, where there are few; neighbours of a full one.
    private static func fullLimbs() -> [Base] {
        let words = F.modulus.count
        var found: [Base] = []
        for width in [16, 26, 32, 51, 52] {
            let limbs = (64 * words + width - 1) / width
            guard limbs <= 8 else { continue }
            for choice in 1..<1 << limbs {
                var value = [UInt64](repeating: 0, count: words)
                for bit in 0..<64 * words where choice >> (bit / width) & 1 == 1 {
                    value[bit / 64] |= 1 << UInt64(bit % 64)
                }
                // Under the modulus by dropping bits at the top.
                for bit in (0..<64 * words).reversed() where stored(value) == nil {
                    value[bit / 64] &= ~(1 << UInt64(bit % 64))
                }
                if let element = stored(value) { found.append(element) }
            }
        }
        return found
    }

    private static func adding(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var carry: UInt64 = 0
        return zip(a, b).map { x, y in
            let (sum, over) = x.addingReportingOverflow(y)
            let (all, overAgain) = sum.addingReportingOverflow(carry)
            carry = over || overAgain ? 1 : 0
            return all
        }
    }

    private static func subtracting(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var borrow: UInt64 = 0
        return zip(a, b).map { x, y in
            let (rest, under) = x.subtractingReportingOverflow(y)
            let (all, underAgain) = rest.subtractingReportingOverflow(borrow)
            borrow = under || underAgain ? 1 : 0
            return all
        }
    }

    // MARK: Inputs

    mutating func base(_ filling: Filling) -> Base {
        switch filling {
        case .random: Base.uniform { random.next() }
        case .edges: edges[Int(random.next() % UInt64(edges.count))]
        case .top: -.one
        case .bottom: .one
        }
    }

    mutating func challenge(_ filling: Filling) -> Challenge {
        Challenge(coordinates: (0..<Challenge.degree).map { _ in base(filling) })
    }

    mutating func bases(_ count: Int, _ filling: Filling) -> GuardedVector<Base> {
        GuardedVector((0..<count).map { _ in base(filling) })
    }

    mutating func challenges(_ count: Int, _ filling: Filling) -> GuardedVector<Challenge> {
        GuardedVector((0..<count).map { _ in challenge(filling) })
    }

    mutating func integers<T: SmallInteger>(_: T.Type, _ count: Int, _ filling: Filling) -> GuardedVector<T> {
        let extremes: [T] = [T.min, T.max, T.min + 1, T.max - 1, 0, 1, -1]
        return GuardedVector(
            (0..<count).map { _ in
                switch filling {
                case .random: T(truncatingIfNeeded: random.next())
                case .edges: extremes[Int(random.next() % UInt64(extremes.count))]
                case .top: T.min
                case .bottom: T.max
                }
            })
    }

    // MARK: Comparison

    func expect<E: Equatable>(_ got: [E], _ want: [E], _ what: @autoclosure () -> String) {
        guard got != want else { return }
        let i = zip(got, want).enumerated().first { $1.0 != $1.1 }!.offset
        Issue.record("\(F.name) \(what()) at level \(level), entry \(i): \(got[i]) instead of \(want[i])")
    }

    func expect<E: Equatable & BitwiseCopyable>(
        _ got: GuardedVector<E>, _ want: GuardedVector<E>, _ what: @autoclosure () -> String
    ) {
        expect(got.array, want.array, what())
        if !got.isIntact { Issue.record("\(F.name) \(what()) at level \(level) wrote outside its output") }
    }

    // MARK: The operations

    mutating func vectors() {
        for count in Self.counts {
            for filling in Filling.allCases {
                let what = "of \(count) \(filling)"
                let a = challenges(count, filling)
                let b = challenges(count, filling)
                let f = challenge(filling)
                let initial = challenges(count, filling).array
                let out = GuardedVector(initial)
                let want = GuardedVector(initial)

                F.add(a.pointer, b.pointer, into: out.pointer, count: count)
                Oracle.add(a.pointer, b.pointer, into: want.pointer, count: count)
                expect(out, want, "add \(what)")
                let addedToA = GuardedVector(a.array)
                F.add(addedToA.pointer, b.pointer, into: addedToA.pointer, count: count)
                expect(addedToA, want, "add into a \(what)")
                let addedToB = GuardedVector(b.array)
                F.add(a.pointer, addedToB.pointer, into: addedToB.pointer, count: count)
                expect(addedToB, want, "add into b \(what)")

                F.multiply(a.pointer, b.pointer, into: out.pointer, count: count)
                Oracle.multiply(a.pointer, b.pointer, into: want.pointer, count: count)
                expect(out, want, "multiply \(what)")
                let timesA = GuardedVector(a.array)
                F.multiply(timesA.pointer, b.pointer, into: timesA.pointer, count: count)
                expect(timesA, want, "multiply into a \(what)")
                let timesB = GuardedVector(b.array)
                F.multiply(a.pointer, timesB.pointer, into: timesB.pointer, count: count)
                expect(timesB, want, "multiply into b \(what)")

                let sum = GuardedVector(b.array)
                let sumWanted = GuardedVector(b.array)
                F.addScaled(a.pointer, by: f, to: sum.pointer, count: count)
                Oracle.addScaled(a.pointer, by: f, to: sumWanted.pointer, count: count)
                expect(sum, sumWanted, "addScaled \(what)")

                F.scale(a.pointer, by: f, into: out.pointer, count: count)
                Oracle.scale(a.pointer, by: f, into: want.pointer, count: count)
                expect(out, want, "scale \(what)")
                let scaled = GuardedVector(a.array)
                F.scale(scaled.pointer, by: f, into: scaled.pointer, count: count)
                expect(scaled, want, "scale in place \(what)")

                expect(
                    [F.innerProduct(a.pointer, b.pointer, count: count)],
                    [Oracle.innerProduct(a.pointer, b.pointer, count: count)], "innerProduct \(what)")
                let c = bases(count, filling)
                expect(
                    [F.innerProduct(base: c.pointer, b.pointer, count: count)],
                    [Oracle.innerProduct(base: c.pointer, b.pointer, count: count)], "innerProduct of base \(what)")

                let inverses = GuardedVector(a.array)
                let inversesWanted = GuardedVector(a.array)
                F.invert(inverses.pointer, count: count)
                Oracle.invert(inversesWanted.pointer, count: count)
                expect(inverses, inversesWanted, "invert \(what)")
                // Both sides invert rows of many alike: the definition is a check of its own.
                expect(
                    zip(a.array, inverses.array).map { $0 * $1 }, a.array.map { $0.isZero ? Challenge.zero : .one },
                    "a times its inverse \(what)")

                let d = bases(count, filling)
                let baseSum = GuardedVector(d.array)
                let baseSumWanted = GuardedVector(d.array)
                let baseFactor = base(filling)
                F.addScaled(base: c.pointer, by: baseFactor, to: baseSum.pointer, count: count)
                Oracle.addScaled(base: c.pointer, by: baseFactor, to: baseSumWanted.pointer, count: count)
                expect(baseSum, baseSumWanted, "addScaled of base \(what)")
            }
        }
        for variables in 0...11 {
            for filling in Filling.allCases {
                let point = challenges(variables, filling).array
                let scale = challenge(filling)
                let out = challenges(1 << variables, filling)
                let want = GuardedVector<Challenge>(count: 1 << variables)
                F.expandEq(point, scale: scale, into: out.pointer)
                Oracle.expandEq(point, scale: scale, into: want.pointer)
                expect(out, want, "expandEq of \(variables) variables \(filling)")
            }
        }
    }

    mutating func rounds() {
        for count in Self.counts {
            for filling in Filling.allCases {
                let what = "of \(count) \(filling)"
                let r = challenge(filling)
                let a = challenges(2 * count, filling)
                let b = challenges(2 * count, filling)
                let c = challenges(2 * count, filling)
                let w = challenges(count, filling)
                let p = challenges(4 * count, filling)
                let q = challenges(4 * count, filling)

                let out = GuardedVector<Challenge>(count: count)
                let want = GuardedVector<Challenge>(count: count)
                F.fold(a.pointer, at: r, into: out.pointer, pairs: count)
                Oracle.fold(a.pointer, at: r, into: want.pointer, pairs: count)
                expect(out, want, "fold \(what)")
                let folded = GuardedVector(a.array)
                F.fold(folded.pointer, at: r, into: folded.pointer, pairs: count)
                expect(folded.array, want.array + a.array[count...], "fold in place \(what)")

                let pairs = GuardedVector<Challenge>(count: 2 * count)
                let pairsWanted = GuardedVector<Challenge>(count: 2 * count)
                F.foldPairs(p.pointer, at: r, into: pairs.pointer, quads: count)
                Oracle.foldPairs(p.pointer, at: r, into: pairsWanted.pointer, quads: count)
                expect(pairs, pairsWanted, "foldPairs \(what)")
                let pairsFolded = GuardedVector(p.array)
                F.foldPairs(pairsFolded.pointer, at: r, into: pairsFolded.pointer, quads: count)
                expect(
                    pairsFolded.array, pairsWanted.array + p.array[(2 * count)...], "foldPairs in place \(what)")

                let two = F.roundProduct2(a.pointer, b.pointer, pairs: count)
                let twoWanted = Oracle.roundProduct2(a.pointer, b.pointer, pairs: count)
                expect(
                    [two.atZero, two.leading], [twoWanted.atZero, twoWanted.leading], "roundProduct2 \(what)")

                let three = F.roundProduct3(a.pointer, b.pointer, c.pointer, pairs: count)
                let threeWanted = Oracle.roundProduct3(a.pointer, b.pointer, c.pointer, pairs: count)
                expect(
                    [three.atZero, three.atMinusOne, three.leading],
                    [threeWanted.atZero, threeWanted.atMinusOne, threeWanted.leading], "roundProduct3 \(what)")

                let weighted = F.roundWeightedProduct2(weights: w.pointer, a.pointer, b.pointer, pairs: count)
                let weightedWanted = Oracle.roundWeightedProduct2(
                    weights: w.pointer, a.pointer, b.pointer, pairs: count)
                expect(
                    [weighted.atZero, weighted.leading], [weightedWanted.atZero, weightedWanted.leading],
                    "roundWeightedProduct2 \(what)")

                let fractions = F.roundFractions(
                    weights: w.pointer, p: p.pointer, q: q.pointer, lambda: r, quads: count)
                let fractionsWanted = Oracle.roundFractions(
                    weights: w.pointer, p: p.pointer, q: q.pointer, lambda: r, quads: count)
                expect(
                    [fractions.atZero, fractions.leading], [fractionsWanted.atZero, fractionsWanted.leading],
                    "roundFractions \(what)")

                let pOut = GuardedVector<Challenge>(count: count)
                let qOut = GuardedVector<Challenge>(count: count)
                let pWanted = GuardedVector<Challenge>(count: count)
                let qWanted = GuardedVector<Challenge>(count: count)
                F.addFractions(p: a.pointer, q: b.pointer, pOut: pOut.pointer, qOut: qOut.pointer, pairs: count)
                Oracle.addFractions(
                    p: a.pointer, q: b.pointer, pOut: pWanted.pointer, qOut: qWanted.pointer, pairs: count)
                expect(pOut, pWanted, "addFractions, numerators, \(what)")
                expect(qOut, qWanted, "addFractions, denominators, \(what)")
                let (pIn, qIn) = (GuardedVector(a.array), GuardedVector(b.array))
                F.addFractions(p: pIn.pointer, q: qIn.pointer, pOut: pIn.pointer, qOut: qIn.pointer, pairs: count)
                expect(pIn.array, pWanted.array + a.array[count...], "addFractions in place, numerators, \(what)")
                expect(qIn.array, qWanted.array + b.array[count...], "addFractions in place, denominators, \(what)")
            }
        }
    }

    /// Every edge value in all lanes at once, against itself and others: each reduction meets its extremes in every lane.
    /// One expected entry is compared with all.
    mutating func equalLanes() {
        let count = 37
        func vector(_ n: Int, _ x: Challenge, _ y: Challenge) -> GuardedVector<Challenge> {
            GuardedVector((0..<n).map { $0 % 2 == 0 ? x : y })
        }
        func all(_ x: Challenge) -> [Challenge] { .init(repeating: x, count: count) }
        let few = [Base.zero, -.one, Base(2).inverse()!] + fullLimbs.suffix(1)
        for edge in edges {
            for other in few + [edge, edges[Int(random.next() % UInt64(edges.count))]] {
                let x = Challenge(coordinates: .init(repeating: edge, count: Challenge.degree))
                let y = Challenge(coordinates: .init(repeating: other, count: Challenge.degree))
                var what: String { "of \(x) and \(y) in all lanes" }
                let a = vector(count, x, x)
                let b = vector(count, y, y)
                let out = GuardedVector<Challenge>(count: count)
                F.add(a.pointer, b.pointer, into: out.pointer, count: count)
                expect(out.array, all(x + y), "add \(what)")
                F.multiply(a.pointer, b.pointer, into: out.pointer, count: count)
                expect(out.array, all(x * y), "multiply \(what)")
                F.scale(a.pointer, by: y, into: out.pointer, count: count)
                expect(out.array, all(x * y), "scale \(what)")
                let sum = vector(count, x, x)
                F.addScaled(a.pointer, by: y, to: sum.pointer, count: count)
                expect(sum.array, all(x + x * y), "addScaled \(what)")
                let pairs = vector(2 * count, x, y)
                F.fold(pairs.pointer, at: y, into: out.pointer, pairs: count)
                expect(out.array, all(x + y * (y - x)), "fold \(what)")
                let q = vector(2 * count, y, x)
                let qOut = GuardedVector<Challenge>(count: count)
                F.addFractions(
                    p: pairs.pointer, q: q.pointer, pOut: out.pointer, qOut: qOut.pointer, pairs: count)
                var (pWanted, qWanted) = (Challenge.zero, Challenge.zero)
                Oracle.addFractions(p: pairs.pointer, q: q.pointer, pOut: &pWanted, qOut: &qWanted, pairs: 1)
                expect(out.array, all(pWanted), "addFractions, numerators, \(what)")
                expect(qOut.array, all(qWanted), "addFractions, denominators, \(what)")
                for entry in [Int32.min, .max, -1] {
                    let integers = GuardedVector([Int32](repeating: entry, count: count))
                    let scaled = x.scaled(by: Base(Int64(entry)))
                    let added = vector(count, y, y)
                    F.addScaled(integers.buffer, by: x, to: added.pointer)
                    expect(added.array, all(y + scaled), "addScaled of \(entry) \(what)")
                    let times = Base(Int64(count))
                    expect(
                        [F.innerProduct(integers.buffer, a.pointer)], [scaled.scaled(by: times)],
                        "innerProduct of \(entry) \(what)")
                }
            }
        }
    }

    /// Sums longer than any accumulator is let grow, of equal items: the sum of one item by the oracle, many times.
    mutating func longSums() {
        let count = 17_000
        let times = Base(Int64(count))
        let values = [-Base.one, .one, Base(2).inverse()!] + fullLimbs.suffix(8)
        for (i, value) in values.enumerated() {
            let x = Challenge(coordinates: .init(repeating: value, count: Challenge.degree))
            let y = Challenge(coordinates: .init(repeating: values[(i + 1) % 3], count: Challenge.degree))
            let what = "of \(count) times \(x), \(y)"
            // Neighbours x, y: differences too are as large as they come.
            let a = GuardedVector((0..<4 * count).map { $0 % 2 == 0 ? x : y })
            let w = GuardedVector([Challenge](repeating: x, count: count))
            func compare(_ got: [Challenge], _ one: [Challenge], _ name: String) {
                expect(got, one.map { $0.scaled(by: times) }, "\(name) \(what)")
            }
            compare([F.innerProduct(w.pointer, w.pointer, count: count)], [x * x], "innerProduct")
            let base = GuardedVector([Base](repeating: value, count: count))
            compare(
                [F.innerProduct(base: base.pointer, w.pointer, count: count)], [x.scaled(by: value)],
                "innerProduct of base")
            let two = F.roundProduct2(a.pointer, a.pointer, pairs: count)
            let twoOne = Oracle.roundProduct2(a.pointer, a.pointer, pairs: 1)
            compare([two.atZero, two.leading], [twoOne.atZero, twoOne.leading], "roundProduct2")
            let three = F.roundProduct3(a.pointer, a.pointer, a.pointer, pairs: count)
            let threeOne = Oracle.roundProduct3(a.pointer, a.pointer, a.pointer, pairs: 1)
            compare(
                [three.atZero, three.atMinusOne, three.leading],
                [threeOne.atZero, threeOne.atMinusOne, threeOne.leading], "roundProduct3")
            let weighted = F.roundWeightedProduct2(weights: w.pointer, a.pointer, a.pointer, pairs: count)
            let weightedOne = Oracle.roundWeightedProduct2(weights: w.pointer, a.pointer, a.pointer, pairs: 1)
            compare(
                [weighted.atZero, weighted.leading], [weightedOne.atZero, weightedOne.leading],
                "roundWeightedProduct2")
            // Quads x, x, y, y: their halves differ.
            let quads = GuardedVector((0..<4 * count).map { $0 % 4 < 2 ? x : y })
            for p in [a, quads] {
                let fractions = F.roundFractions(
                    weights: w.pointer, p: p.pointer, q: p.pointer, lambda: y, quads: count)
                let fractionsOne = Oracle.roundFractions(
                    weights: w.pointer, p: p.pointer, q: p.pointer, lambda: y, quads: 1)
                compare(
                    [fractions.atZero, fractions.leading], [fractionsOne.atZero, fractionsOne.leading],
                    "roundFractions")
            }
        }
    }

    mutating func integers<T: SmallInteger>(_: T.Type) {
        for count in Self.counts + [2500] {
            for filling in Filling.allCases {
                let what = "of \(count) \(T.self) \(filling)"
                let a = integers(T.self, count, filling)
                let b = challenges(count, filling)
                let f = challenge(filling)

                let base = GuardedVector<Base>(count: count)
                let baseWanted = GuardedVector<Base>(count: count)
                F.embed(a.buffer, into: base.pointer)
                Oracle.embed(a.buffer, into: baseWanted.pointer)
                expect(base, baseWanted, "embed \(what)")
                let wide = GuardedVector<Challenge>(count: count)
                let wideWanted = GuardedVector<Challenge>(count: count)
                F.embed(a.buffer, into: wide.pointer)
                Oracle.embed(a.buffer, into: wideWanted.pointer)
                expect(wide, wideWanted, "embed as challenges \(what)")

                let sum = GuardedVector(b.array)
                let sumWanted = GuardedVector(b.array)
                F.addScaled(a.buffer, by: f, to: sum.pointer)
                Oracle.addScaled(a.buffer, by: f, to: sumWanted.pointer)
                expect(sum, sumWanted, "addScaled \(what)")

                expect(
                    [F.innerProduct(a.buffer, b.pointer)], [Oracle.innerProduct(a.buffer, b.pointer)],
                    "innerProduct \(what)")

                let even = UnsafeBufferPointer(rebasing: a.buffer[..<(count & ~1)])
                let out = GuardedVector<Challenge>(count: count / 2)
                let want = GuardedVector<Challenge>(count: count / 2)
                F.fold(even, at: f, into: out.pointer)
                Oracle.fold(even, at: f, into: want.pointer)
                expect(out, want, "fold \(what)")
            }
        }
        let shapes = [
            (0, 5), (5, 0), (1, 1), (2, 3), (3, 17), (4, 64), (5, 65), (7, 127), (16, 16), (33, 100), (64, 1),
            (1, 640), (130, 70), (257, 300), (1030, 3), (3, 5000), (20000, 1), (1, 20000),
        ]
        for (rows, columns) in shapes {
            for filling in Filling.allCases where rows + columns < 20000 || filling == .random {
                let what = "\(rows) x \(columns) \(T.self) \(filling)"
                let matrix = integers(T.self, rows * columns, filling)
                let rowWeights = challenges(rows, filling)
                let columnWeights = challenges(columns, filling)
                let initial = challenges(columns, filling).array

                let out = GuardedVector(initial)
                let want = GuardedVector(initial)
                F.combineRows(
                    matrix.pointer, rows: rows, columns: columns, weights: rowWeights.pointer, addTo: out.pointer)
                Oracle.combineRows(
                    matrix.pointer, rows: rows, columns: columns, weights: rowWeights.pointer, addTo: want.pointer)
                expect(out, want, "combineRows \(what)")

                let right = GuardedVector<Challenge>(count: rows)
                let rightWanted = GuardedVector<Challenge>(count: rows)
                F.combineColumns(
                    matrix.pointer, rows: rows, columns: columns, weights: columnWeights.pointer,
                    into: right.pointer)
                Oracle.combineColumns(
                    matrix.pointer, rows: rows, columns: columns, weights: columnWeights.pointer,
                    into: rightWanted.pointer)
                expect(right, rightWanted, "combineColumns \(what)")
            }
        }
    }

    /// Sums of one product many times over, known without adding up, for every edge value as the weight: what
    /// overflows an accumulator of limbs does so here. On one thread, because threads share the sums out.
    func accumulators<T: SmallInteger>(_: T.Type) {
        let threads = Parallel.threadCount
        Parallel.threadCount = 1
        defer { Parallel.threadCount = threads }
        func check(_ weight: Base, _ entry: T, count: Int) {
            let w = Challenge(coordinates: .init(repeating: weight, count: Challenge.degree))
            let weights = GuardedVector([Challenge](repeating: w, count: count))
            let matrix = GuardedVector([T](repeating: entry, count: 2 * count))
            let sum = w.scaled(by: Base(Int64(entry)) * Base(Int64(count)))
            var what: String { "of \(count) times \(entry) by \(weight)" }
            let out = GuardedVector([Challenge](repeating: .one, count: 2))
            F.combineRows(
                matrix.pointer, rows: count, columns: 2, weights: weights.pointer, addTo: out.pointer)
            expect(out.array, [sum + .one, sum + .one], "combineRows \(what)")
            F.combineColumns(
                matrix.pointer, rows: 2, columns: count, weights: weights.pointer, into: out.pointer)
            expect(out.array, [sum, sum], "combineColumns \(what)")
            let row = UnsafeBufferPointer(start: matrix.pointer, count: count)
            expect([F.innerProduct(row, weights.pointer)], [sum], "innerProduct \(what)")
        }
        for weight in weights {
            for entry in [T.min, T.max] { check(weight, entry, count: 2500) }
        }
        for weight in [-Base.one, .one, Base(2).inverse()!] {
            for entry in [T.min, T.max] { check(weight, entry, count: 140_000) }
        }
    }

    mutating func interleaving() {
        for rows in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33] {
            for columns in [1, 2, 7, 8, 15, 16, 17, 40, 64] {
                for stride in [rows, rows + 3] {
                    let input = bases(rows * columns, .random)
                    // The last column ends with its last row.
                    let output = bases((columns - 1) * stride + rows, .random)
                    var expected = output.array
                    for c in 0..<columns {
                        for r in 0..<rows { expected[c * stride + r] = input.pointer[r * columns + c] }
                    }
                    F.interleave(input.pointer, rows: rows, columns: columns, into: output.pointer, stride: stride)
                    expect(output.array, expected, "interleave \(rows) x \(columns) by \(stride)")
                    if !output.isIntact { Issue.record("\(F.name) interleave \(rows) x \(columns) wrote outside") }
                }
            }
        }
    }

    mutating func writing() {
        let size = Base.byteCount
        for width in [1, 2, 3, 4, 7, 8, 15, 16, 17, 32] {
            for (count, gap, space) in [(0, 0, 0), (1, 0, 0), (2, 3, 5), (9, 0, 64), (16, 1, 0)] {
                let stride = width * size + space
                // The last piece ends with its last element.
                let input = bases(count == 0 ? 0 : (count - 1) * (width + gap) + width, .random)
                let output = GuardedVector<UInt8>(count: count == 0 ? 0 : (count - 1) * stride + width * size)
                var expected = output.array
                expected.withUnsafeMutableBytes { bytes in
                    for i in 0..<count {
                        for j in 0..<width {
                            input.pointer[i * (width + gap) + j].write(to: bytes.baseAddress! + i * stride + j * size)
                        }
                    }
                }
                F.write(
                    interleaved: input.pointer, stride: width + gap, width: width, count: count, to: output.pointer,
                    stride: stride)
                if output.array != expected { Issue.record("\(F.name) write \(width) x \(count)") }
                if !output.isIntact { Issue.record("\(F.name) write \(width) x \(count) wrote outside") }
            }
        }
    }

    mutating func codes(_ code: (_ message: [Base], _ logInverseRate: Int, _ position: Int) -> Base) {
        let layouts = [
            (stride: 1, width: 1), (2, 2), (3, 1), (3, 3), (4, 4), (5, 5), (8, 8), (9, 7), (16, 16), (20, 17),
            (32, 32), (40, 0), (40, 33), (64, 64),
        ]
        for messageBits in [0, 1, 2, 3, 4, 5, 6, 7, 9, 13] {
            for logInverseRate in [0, 1, 2, 3] {
                for (stride, width) in layouts where messageBits < 10 || (width < 20 && logInverseRate == 1) {
                    let filling: Filling = messageBits == 3 ? .top : messageBits == 4 ? .edges : .random
                    check(messageBits, logInverseRate, stride, width, filling, code)
                }
            }
        }
        // So many rows that no kernel transforms them in one pass.
        for (stride, width) in [(8, 8), (11, 9)] { check(17, 0, stride, width, .random, code) }
        for messageBits in [1, 2, 3, 4, 7, 12] {
            for logInverseRate in [0, 1, 3] { checkHalves(messageBits, logInverseRate) }
        }
    }

    /// Halved down to one message entry by the folding factors, a code word repeats the message folded likewise.
    private mutating func checkHalves(_ messageBits: Int, _ logInverseRate: Int) {
        let codeBits = messageBits + logInverseRate
        let values = bases(1 << codeBits, .random)
        var message = Array(values.array[..<(1 << messageBits)])
        F.reedSolomonEncode(
            interleaved: values.pointer, stride: 1, width: 1, messageBits: messageBits, logInverseRate: logInverseRate)
        var word = values.array
        for level in 0..<messageBits {
            let r = Base(Int64(random.next() >> 40))
            var factors = [Base](repeating: .zero, count: word.count / 2)
            factors.withUnsafeMutableBufferPointer {
                F.foldingFactors(codeBits: codeBits, level: level, into: $0.baseAddress!)
            }
            for j in [0, 1, 2, 3, word.count / 4, word.count / 2 - 1] where j < factors.count {
                if factors[j] != F.foldingFactor(codeBits: codeBits, level: level, pair: j) {
                    Issue.record("\(F.name) level \(level) of 2^\(codeBits): factor \(j) is not that of the table")
                }
            }
            for position in [0, 1, 2, 5, word.count / 2 + 1, word.count - 1] where position < word.count {
                let count = messageBits - level
                let expected = (0..<count).map { k in
                    let factor = F.foldingFactor(codeBits: codeBits, level: level + k, pair: position >> (k + 1))
                    return position >> k & 1 == 0 ? factor : -factor
                }
                if expected
                    != F.foldingFactors(codeBits: codeBits, level: level, position: position, count: count)
                {
                    Issue.record("\(F.name) level \(level) of 2^\(codeBits): factors down from \(position)")
                }
            }
            let half = Base(2).inverse()!
            word = factors.enumerated().map { j, w in
                let (e, o) = ((word[2 * j] + word[2 * j + 1]) * half, (word[2 * j] - word[2 * j + 1]) * half)
                return e + r * (o * w.inverse()! - e)
            }
            message = (0..<message.count / 2).map { message[2 * $0] + r * (message[2 * $0 + 1] - message[2 * $0]) }
        }
        if word.contains(where: { $0 != message[0] }) {
            Issue.record("\(F.name) 2^\(messageBits) rate 2^-\(logInverseRate) at level \(level): halves are wrong")
        }
    }

    /// Encoded for some positions only, these are those of the whole code word.
    private mutating func checkSome(
        _ before: [Base], _ after: [Base], _ messageBits: Int, _ logInverseRate: Int, _ stride: Int, _ width: Int,
        _ what: String
    ) {
        let length = 1 << (messageBits + logInverseRate)
        let choices: [[Int]] = [
            [], [0], [length - 1], [length / 2], (0..<7).map { _ in Int(random.next() % UInt64(length)) },
            Array(Swift.stride(from: 0, to: length, by: 3)),
        ]
        for positions in length > 1 << 10 ? [choices[4]] : choices {
            let values = bases(before.count, .random)
            for (i, value) in before.enumerated() { values.pointer[i] = value }
            F.reedSolomonEncode(
                interleaved: values.pointer, stride: stride, width: width, messageBits: messageBits,
                logInverseRate: logInverseRate, only: positions)
            let some = values.array
            if !values.isIntact { Issue.record("\(F.name) \(what) at level \(level), some positions: wrote outside") }
            for i in positions {
                for j in 0..<width where some[i * stride + j] != after[i * stride + j] {
                    Issue.record("\(F.name) \(what) at level \(level): of some, position \(i) is wrong")
                    return
                }
            }
            for i in 0..<length {
                for j in width..<stride where i * stride + j < some.count {
                    if some[i * stride + j] != before[i * stride + j] {
                        Issue.record("\(F.name) \(what) at level \(level), some positions: wrote beside its columns")
                        return
                    }
                }
            }
        }
    }

    private mutating func check(
        _ messageBits: Int, _ logInverseRate: Int, _ stride: Int, _ width: Int, _ filling: Filling,
        _ code: (_ message: [Base], _ logInverseRate: Int, _ position: Int) -> Base
    ) {
        let what = "code 2^\(messageBits) rate 2^-\(logInverseRate) width \(width) stride \(stride) \(filling)"
        let length = 1 << (messageBits + logInverseRate)
        // No row needs to end where the stride does: the last one stops at the width.
        let values = bases((length - 1) * stride + width, filling)
        let before = values.array
        F.reedSolomonEncode(
            interleaved: values.pointer, stride: stride, width: width, messageBits: messageBits,
            logInverseRate: logInverseRate)
        let after = values.array
        checkSome(before, after, messageBits, logInverseRate, stride, width, what)
        if !values.isIntact { Issue.record("\(F.name) \(what) at level \(level) wrote outside its output") }
        for i in 0..<length {
            for j in width..<stride where i * stride + j < after.count {
                if after[i * stride + j] != before[i * stride + j] {
                    Issue.record("\(F.name) \(what) at level \(level) wrote beside its columns")
                    return
                }
            }
        }
        for j in 0..<width where width < 8 || j == 0 || j == width - 1 || j == width / 2 {
            let message = (0..<1 << messageBits).map { before[$0 * stride + j] }
            // A few positions where there are many; evaluation is slow.
            let positions =
                length <= 64
                ? Array(0..<length) : (0..<8).map { _ in Int(random.next() % UInt64(length)) } + [0, length - 1]
            for i in positions where after[i * stride + j] != code(message, logInverseRate, i) {
                Issue.record("\(F.name) \(what) at level \(level): column \(j), position \(i) is wrong")
                return
            }
        }
    }
}

/// SplitMix64: the same inputs in every run.
private struct SplitMix64 {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
