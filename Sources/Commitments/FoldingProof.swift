import Fields
import Multilinears
import Tensors
import Transcripts

/// A proof that the message under a Reed-Solomon code word has a given inner product with public weights, by folding: FRI
/// (Ben-Sasson, Bentov, Horesh, Riabzev, ICALP 2018) and a sumcheck over the same challenges, BaseFold (Zeilberger, Chen,
/// Fisch, ePrint 2023/1705), for words over the challenge field E.
///
/// ## The protocol
///
/// Let Z in E^(2^c) be the message, w the weights, s the sum claimed for <Z, w>, and f_0 = Enc(Z) a word that the verifier has
/// access to. `ProofField.foldingFactor` gives, for a word f of a message m, the words of the even and the odd entries of m;
/// the *fold* of f at r is (1 - r) even + r odd, the word of m with its lowest variable bound to r.
///
/// 1. For each i: for each of `foldBits[i]` variables, a round of the sumcheck for <Z, w>, ending in a challenge r at which
///    message, weights and word are folded. Then the prover commits to the word so far, f_(i+1), by a Merkle tree with a
///    leaf for each fibre (the entries that the next folds make into one). Instead of the last word it sends the last message
///    in clear, which the end of the sumcheck is checked against.
/// 2. After some grinding the verifier draws distinct positions of f_1. For each, the prover opens the fibre of f_0 above it;
///    the fold of that is an entry of f_1; it opens the fibre of f_1 that this lies in, and so on; the last fold is an entry
///    of the last message's code word. Entries known from the word before are not sent: the Merkle tree checks them.
///
/// ## Why it is sound
///
/// Write n_i and K_i for the length of f_i and of its message, C_i for the code, e_i = (n_i - K_i) / 2 rounded down. From
/// level 1 on C_i is Reed-Solomon with distance d_i = n_i - K_i + 1 > 2 e_i. A word g of C_i is, fibre by fibre and by an
/// invertible linear map, 2^foldBits[i] words of C_(i+1): its parts. So "f_i agrees with a word of C_i outside e_(i+1)
/// *fibres*" ("close") means that its parts agree with words of C_(i+1) outside one set of e_(i+1) positions; that word is unique.
///
/// *Lines.* If for more than n of the z in E, u + z v agrees with a tuple of words of RS[n, K] outside e = (n - K) / 2
/// positions, where u and v are tuples of words, then u and v do, outside one set of e positions. For tuples of one this is
/// Theorem 4.1 of ePrint 2020/654. For m, take the theorem over an extension of E, with elements a_1, ..., a_m that are
/// linearly independent over E, and the words sum_j a_j u_j and sum_j a_j v_j: agreement of such a sum with a code word at a
/// position is agreement of all parts.
///
/// *One fold.* Binding a variable makes m parts (pairs u, v) into m / 2 parts u + r (v - u). If f_i is not close, its fold is
/// e_(i+1)-far from C_(i+1), but for n_(i+1)/|E| for each variable. If f_i is close to c_i, let B be the fibres in which they
/// differ, at most e_(i+1): outside B the fold is that of c_i, and in *all* of B it is not, but for e_(i+1)/|E| for each variable.
///
/// *Queries.* Suppose that f_i is not close for some i, or that f_i and f_(i+1) are close to c_i and c_(i+1) where c_(i+1) is
/// not the fold of c_i (the last message's code word counts as close to itself). Take the last such i. In the first case the
/// fold of f_i differs from c_(i+1) at e_(i+1) + 1 positions or more; in the second too, because two code words differ in
/// d_(i+1) and the fold of f_i is within e_(i+1) of the fold of c_i. Above a position where they differ no query passes: if the
/// opened entry of f_(i+1) is the fold of f_i, it is not that of c_(i+1), the fibre it lies in is one of the B of f_(i+1), so
/// the fold of f_(i+1) is not c_(i+2) there, and so on, until the last message's own code word disagrees. These are at least
/// (e_(i+1) + 1) n_1 / n_(i+1) >= e_1 + 1 positions of f_1, so all queries miss with the hypergeometric probability of the budget.
///
/// *Otherwise* f_0 is close to the code word of one message Z, and the last message is Z with all variables bound. The
/// sumcheck then shows <Z, w> = s but for 2 c / |E|.
///
/// Each bound is for one round of challenges, after which the transcript is doomed, so the sum of the errors bounds that of the
/// Fiat-Shamir transform for each hash evaluation; grinding multiplies the work for a new set of queries.
enum FoldingProof<F: ProofField> {
    typealias E = F.Challenge
    typealias Base = F.Base

    // MARK: Prover

    /// The code word of a message of challenges.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    static func encode(_ message: AlignedBuffer<E>, messageBits: Int, logInverseRate: Int) -> AlignedBuffer<E> {
        precondition(MemoryLayout<E>.size == E.degree * MemoryLayout<Base>.size)
        let word = AlignedBuffer<E>(uninitialized: 1 << (messageBits + logInverseRate))
        word.pointer.update(from: message.pointer, count: 1 << messageBits)
        // A challenge is its coordinates, one after the other.
        word.pointer.withMemoryRebound(to: Base.self, capacity: word.count * E.degree) { values in
            F.reedSolomonEncode(
                interleaved: values, stride: E.degree, width: E.degree, messageBits: messageBits,
                logInverseRate: logInverseRate)
        }
        return word
    }

    /// A Merkle tree whose leaves are the fibres of a word.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    static func commit(_ word: AlignedBuffer<E>, foldBits: Int, capBits: Int, hash: HashFunction) -> MerkleTree {
        let bytes = canonicalBytes(word)
        let leaves = AlignedBuffer<Digest>(uninitialized: word.count >> foldBits)
        hash.hashRows(
            bytes.pointer, rowBytes: E.byteCount << foldBits, rowCount: leaves.count, into: leaves.pointer)
        return MerkleTree(leaves: leaves, capHeight: capHeight(capBits, leaves.count), hash: hash)
    }

    static func capHeight(_ capBits: Int, _ leafCount: Int) -> Int { min(capBits, leafCount.trailingZeroBitCount) }

    static func canonicalBytes(_ word: AlignedBuffer<E>) -> AlignedBuffer<UInt8> {
        let bytes = AlignedBuffer<UInt8>(uninitialized: word.count * E.byteCount)
        word.pointer.withMemoryRebound(to: Base.self, capacity: word.count * E.degree) { values in
            Parallel.forEachChunk(word.count, grain: 1 << 14) { range in
                F.write(
                    values + range.lowerBound * E.degree, count: range.count * E.degree,
                    to: bytes.pointer + range.lowerBound * E.byteCount)
            }
        }
        return bytes
    }

    /// What is left to do when the queries are known.
    struct Opening {
        let plan: FoldingPlan
        /// Words from the first that the plan commits to, with their trees; `first` is its number.
        let first: Int
        let words: [AlignedBuffer<E>]
        let trees: [MerkleTree]
        /// Positions of word 1, rising.
        let positions: [Int]

        init(plan: FoldingPlan, first: Int, words: [AlignedBuffer<E>], trees: [MerkleTree], positions: [Int]) {
            self.plan = plan
            self.first = first
            self.words = words
            self.trees = trees
            self.positions = positions
        }

        /// Writes the fibres of the plan's own words.
        @_specialize(where F == Mersenne31)
        @_specialize(where F == GoldilocksField)
        @_specialize(where F == BN254ScalarField)
        func write(to transcript: ProverTranscript) {
            let openings = Parallel.map(words.count, work: { _ in 1 << 11 }, opening)
            for (bytes, siblings) in openings {
                bytes.withUnsafeBytes { transcript.hint(raw: $0) }
                transcript.hint(digests: siblings)
            }
        }

        /// The fibres of a word as far as they are not known, and their Merkle proof.
        private func opening(_ k: Int) -> (bytes: [UInt8], siblings: [Digest]) {
            let i = first + k
            let (fibres, known) = FoldingProof.fibres(plan, word: i, positions)
            let size = 1 << plan.foldBits[i]
            let count = (fibres.count * size - known.count) * E.byteCount
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, written in
                for fibre in fibres {
                    for slot in fibre * size..<(fibre + 1) * size where !known.contains(slot) {
                        words[k].pointer[slot].write(to: bytes.baseAddress! + written)
                        written += E.byteCount
                    }
                }
            }
            return (bytes, trees[k].open(fibres))
        }
    }

    /// The fibres of a word that are opened, by position in the next word, and which of their entries are known from the word
    /// before.
    static func fibres(_ plan: FoldingPlan, word: Int, _ positions: [Int]) -> (fibres: [Int], known: Set<Int>) {
        func project(_ word: Int) -> [Int] {
            let shift = plan.level(word) - plan.foldBits[0]
            var result: [Int] = []
            for p in positions where result.last != p >> shift { result.append(p >> shift) }
            return result
        }
        return (project(word + 1), word == 0 ? [] : Set(project(word)))
    }

    /// Proves the inner product of `message` and `weights`, which are overwritten, as is `word`, the message's code word; `tree`
    /// is over its fibres where the plan's word 0 is committed to by itself.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    static func prove(
        message: AlignedBuffer<E>, weights: AlignedBuffer<E>, word: AlignedBuffer<E>, tree: MerkleTree?,
        plan: FoldingPlan, transcript: ProverTranscript, cheat: FoldingCheat<E>
    ) -> Opening {
        var words: [AlignedBuffer<E>] = []
        var trees: [MerkleTree] = []
        if let tree {
            words.append(word)
            trees.append(tree)
        }
        var current = word
        var size = message.count
        cheat.message?(message, weights)
        for (i, bits) in plan.foldBits.enumerated() {
            for k in 0..<bits {
                size /= 2
                var round = roundProduct(message, weights, pairs: size)
                cheat.round?(plan.level(i) + k, &round)
                transcript.send("fold round", round)
                let r: E = transcript.challenge("fold")
                let level = plan.level(i) + k
                let factors = AlignedBuffer<Base>(uninitialized: current.count / 2)
                Parallel.forEach(3, work: { $0 == 2 ? factors.count : size }, large: .max) {
                    switch $0 {
                    case 0: F.fold(message.pointer, at: r, into: message.pointer, pairs: size)
                    case 1: F.fold(weights.pointer, at: r, into: weights.pointer, pairs: size)
                    default: F.foldingFactors(codeBits: plan.codeBits(0), level: level, into: factors.pointer)
                    }
                }
                current = foldWord(current, factors, at: r)
            }
            guard i + 1 < plan.foldBits.count else { break }
            cheat.word?(i + 1, current)
            let tree = commit(
                current, foldBits: plan.foldBits[i + 1], capBits: plan.capBits, hash: transcript.hash)
            transcript.send("fold word", digests: tree.cap)
            words.append(current)
            trees.append(tree)
        }
        var final = Array(message.elements.prefix(1 << plan.finalBits))
        cheat.final?(&final)
        transcript.send("last message", final)
        transcript.grind("grinding", bits: cheat.grindingBits ?? plan.grindingBits)
        let positions = transcript.distinctIndices("fold queries", count: plan.queryCount, bound: plan.positionCount)
        return Opening(
            plan: plan, first: tree == nil ? 1 : 0, words: words, trees: trees, positions: positions)
    }

    /// The inner product of two tables, on all threads.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    static func innerProduct(_ a: AlignedBuffer<E>, _ b: AlignedBuffer<E>) -> E {
        let grain = 1 << 13
        let parts = AlignedBuffer<E>(uninitialized: (a.count + grain - 1) / grain)
        Parallel.forEach(parts.count) { c in
            let start = c * grain
            parts.pointer[c] = F.innerProduct(
                a.pointer + start, b.pointer + start, count: min(grain, a.count - start))
        }
        var sum = E.zero
        for c in 0..<parts.count { sum += parts[c] }
        return sum
    }

    static func roundProduct(_ a: AlignedBuffer<E>, _ b: AlignedBuffer<E>, pairs: Int) -> [E] {
        let grain = 1 << 13
        let parts = AlignedBuffer<E>(uninitialized: 2 * ((pairs + grain - 1) / grain))
        Parallel.forEach(parts.count / 2) { c in
            let start = c * grain
            let (zero, leading) = F.roundProduct2(
                a.pointer + 2 * start, b.pointer + 2 * start, pairs: min(grain, pairs - start))
            parts.pointer[2 * c] = zero
            parts.pointer[2 * c + 1] = leading
        }
        var (zero, leading) = (E.zero, E.zero)
        for c in 0..<parts.count / 2 {
            zero += parts.pointer[2 * c]
            leading += parts.pointer[2 * c + 1]
        }
        return [zero, leading]
    }

    /// The fold of a word, with the factors of its level.
    static func foldWord(_ word: AlignedBuffer<E>, _ factors: AlignedBuffer<Base>, at r: E) -> AlignedBuffer<E> {
        let pairs = word.count / 2
        let next = AlignedBuffer<E>(uninitialized: pairs)
        Parallel.forEachChunk(pairs, grain: 1 << 11) { range in
            let most = 1 << 11
            let scratch = (0..<3).map { _ in AlignedBuffer<E>(uninitialized: min(most, range.count)) }
            for start in stride(from: range.lowerBound, to: range.upperBound, by: most) {
                let count = min(most, range.upperBound - start)
                let (word, factors, out) = (word.pointer + 2 * start, factors.pointer + start, next.pointer + start)
                // With the kernels for vectors, (1 - r) even + 2 r (a - even) / (2 w).
                let (inverses, even, other) = (scratch[0].pointer, scratch[1].pointer, scratch[2].pointer)
                for i in 0..<count { inverses[i] = E.one.scaled(by: factors[i] + factors[i]) }
                F.invert(inverses, count: count)
                F.fold(word, at: E.half, into: even, pairs: count)
                for i in 0..<count { other[i] = word[2 * i] - even[i] }
                F.multiply(other, inverses, into: other, count: count)
                F.scale(other, by: r + r, into: out, count: count)
                F.addScaled(even, by: .one - r, to: out, count: count)
            }
            withExtendedLifetime(scratch) {}
        }
        return next
    }

    /// `out[j]` = (1 - r) even + r odd, with even = (a + b) / 2 and odd = (a - b) scales[j] for the pair a, b.
    static func foldPairs(
        _ word: UnsafePointer<E>, _ scales: UnsafePointer<Base>, at r: E, into output: UnsafeMutablePointer<E>,
        count: Int
    ) {
        let half = Base.half
        for j in 0..<count {
            let (a, b) = (word[2 * j], word[2 * j + 1])
            let even = (a + b).scaled(by: half)
            output[j] = even + r * ((a - b).scaled(by: scales[j]) - even)
        }
    }

    /// Replaces each x, not zero, by 1 / (2x): one inversion for all.
    static func invertDoubles(_ values: UnsafeMutablePointer<Base>, count: Int) {
        guard count > 0 else { return }
        let products = AlignedBuffer<Base>(uninitialized: count)
        var product = Base.one
        for i in 0..<count {
            values[i] = values[i] + values[i]
            products.pointer[i] = product
            product *= values[i]
        }
        var inverse = product.inverse()!
        for i in (0..<count).reversed() {
            let value = values[i]
            values[i] = inverse * products.pointer[i]
            inverse *= value
        }
    }

    // MARK: Verifier

    /// What the verifier knows when the queries are drawn.
    struct Check {
        let plan: FoldingPlan
        let challenges: [E]
        /// Caps of words 1, 2, ...
        let caps: [[Digest]]
        let final: [E]
        let positions: [Int]

        init(plan: FoldingPlan, challenges: [E], caps: [[Digest]], final: [E], positions: [Int]) {
            self.plan = plan
            self.challenges = challenges
            self.caps = caps
            self.final = final
            self.positions = positions
        }
    }

    /// Reads everything up to the queries and checks the sumcheck for `sum`. `weights` gives the weights that are left when
    /// all but the last `plan.finalBits` variables are bound to its argument.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    static func receive(
        sum: E, plan: FoldingPlan, transcript: VerifierTranscript, weights: (_ bound: [E]) -> [E]
    ) throws -> Check {
        var sum = sum
        var challenges: [E] = []
        var caps: [[Digest]] = []
        for (i, bits) in plan.foldBits.enumerated() {
            for _ in 0..<bits {
                let round: [E] = try transcript.receive("fold round", count: 2)
                let r: E = transcript.challenge("fold")
                // s(X) = s0 + (sum - 2 s0 - l) X + l X^2.
                sum = round[0] + r * (sum - round[0] - round[0] - round[1] + r * round[1])
                challenges.append(r)
            }
            guard i + 1 < plan.foldBits.count else { break }
            let height = capHeight(plan.capBits, 1 << plan.codeBits(i + 2))
            caps.append(try transcript.receiveDigests("fold word", count: 1 << height))
        }
        let final: [E] = try transcript.receive("last message", count: 1 << plan.finalBits)
        let left = weights(challenges)
        guard zip(final, left).reduce(E.zero, { $0 + $1.0 * $1.1 }) == sum else {
            throw VerificationError(check: "fold sumcheck", detail: "the last message does not give its last sum")
        }
        try transcript.checkGrinding("grinding", bits: plan.grindingBits)
        let positions = transcript.distinctIndices("fold queries", count: plan.queryCount, bound: plan.positionCount)
        return Check(plan: plan, challenges: challenges, caps: caps, final: final, positions: positions)
    }

    /// Follows the queries. `first` holds the fibres of word 0 above the positions, one after the other, checked by the caller;
    /// or word 0 is the plan's own, with the cap `cap`.
    @_specialize(where F == Mersenne31)
    @_specialize(where F == GoldilocksField)
    @_specialize(where F == BN254ScalarField)
    static func follow(_ check: Check, first: [E]?, cap: [Digest]?, transcript: VerifierTranscript) throws {
        let plan = check.plan
        var folded: [Int: E] = [:]
        for i in plan.foldBits.indices {
            let (fibres, known) = fibres(plan, word: i, check.positions)
            let size = 1 << plan.foldBits[i]
            var values: [E]
            if i == 0, let first {
                values = first
            } else {
                values = try read(
                    plan, word: i, fibres, known: known, folded, cap: i == 0 ? cap! : check.caps[i - 1],
                    transcript: transcript)
            }
            // Variable by variable; pairs of a fibre are neighbours on every level.
            for k in 0..<plan.foldBits[i] {
                let r = check.challenges[plan.level(i) + k]
                let half = size >> (k + 1)
                let scales = AlignedBuffer<Base>(uninitialized: fibres.count * half)
                for (q, fibre) in fibres.enumerated() {
                    for j in 0..<half {
                        scales.pointer[q * half + j] = F.foldingFactor(
                            codeBits: plan.codeBits(0), level: plan.level(i) + k, pair: fibre * half + j)
                    }
                }
                invertDoubles(scales.pointer, count: scales.count)
                let next = AlignedBuffer<E>(uninitialized: scales.count)
                values.withUnsafeBufferPointer {
                    foldPairs($0.baseAddress!, scales.pointer, at: r, into: next.pointer, count: scales.count)
                }
                values = next.array
            }
            folded = Dictionary(uniqueKeysWithValues: zip(fibres, values))
        }
        for (position, value) in folded {
            guard lastEntry(check, position) == value else {
                throw VerificationError(
                    check: "fold", detail: "entry \(position) of the last word is not that of the last message")
            }
        }
    }

    /// The fibres of a committed word: those entries that are not known, and the Merkle proof for all.
    static func read(
        _ plan: FoldingPlan, word: Int, _ fibres: [Int], known: Set<Int>, _ folded: [Int: E], cap: [Digest],
        transcript: VerifierTranscript
    ) throws -> [E] {
        let size = 1 << plan.foldBits[word]
        let bytes = Array(
            try transcript.hint(
                "fold fibres", count: (fibres.count * size - known.count) * E.byteCount))
        let leafCount = 1 << plan.codeBits(word + 1)
        let siblings = try transcript.hintDigests(
            "fold siblings",
            count: MerkleTree.siblingCount(
                leafCount: leafCount, capHeight: cap.count.trailingZeroBitCount, indices: fibres))
        var values: [E] = []
        values.reserveCapacity(fibres.count * size)
        let encoded = AlignedBuffer<UInt8>(uninitialized: fibres.count * size * E.byteCount)
        var next = 0
        try bytes.withUnsafeBytes { bytes in
            for fibre in fibres {
                for slot in 0..<size {
                    let value: E
                    if let entry = folded[fibre * size + slot] {
                        value = entry
                    } else {
                        guard let entry = E(canonical: bytes.baseAddress! + next) else {
                            throw VerificationError(
                                check: "fold fibres",
                                detail: "entry \(slot) of fibre \(fibre) of word \(word) is not canonical")
                        }
                        value = entry
                        next += E.byteCount
                    }
                    value.write(to: UnsafeMutableRawPointer(encoded.pointer + values.count * E.byteCount))
                    values.append(value)
                }
            }
        }
        let leaves = AlignedBuffer<Digest>(uninitialized: fibres.count)
        transcript.hash.hashRows(
            encoded.pointer, rowBytes: size * E.byteCount, rowCount: fibres.count, into: leaves.pointer)
        try MerkleTree.verify(
            cap: cap, leafCount: leafCount, indices: fibres, leaves: leaves.array, siblings: siblings,
            hash: transcript.hash)
        return values
    }

    /// An entry of the last message's code word.
    static func lastEntry(_ check: Check, _ position: Int) -> E {
        let plan = check.plan
        var table = check.final
        let factors = F.foldingFactors(
            codeBits: plan.codeBits(0), level: plan.level(plan.foldBits.count), position: position,
            count: plan.finalBits)
        var size = table.count
        for factor in factors {
            size /= 2
            for i in 0..<size { table[i] = table[2 * i] + table[2 * i + 1].scaled(by: factor) }
        }
        return table[0]
    }
}

/// Ways for a test to cheat in `FoldingProof.prove`; each changes the prover's own copy before it is used or sent.
package struct FoldingCheat<E: Field> {
    /// Message and weights, before the first round.
    package var message: ((_ message: AlignedBuffer<E>, _ weights: AlignedBuffer<E>) -> Void)?
    /// What a round sends, by its number.
    package var round: ((_ round: Int, _ sent: inout [E]) -> Void)?
    /// A word before it is committed to, by its number.
    package var word: ((_ number: Int, _ word: AlignedBuffer<E>) -> Void)?
    /// The last message.
    package var final: ((_ message: inout [E]) -> Void)?
    /// Bits of grinding, in place of those that are due.
    package var grindingBits: Int?

    package init() {}
}
