import Fields

/// Fiat-Shamir: turns the messages of a public-coin protocol into the verifier's challenges.
///
/// Prover and verifier absorb the same messages in the same order under the same labels (`ProverTranscript.send` and
/// `VerifierTranscript.receive` do it for what is in the proof) and so draw the same challenges.
///
/// **Entries.** Everything absorbed becomes an entry `kind | label length | label | payload length | payload`, with
/// one byte of kind (below) and lengths as 8 bytes, little-endian. A sequence of entries reads back in one way only:
/// no two different sequences of labelled messages are the same bytes, however they are split.
///
/// **State.** A 32-byte state S, zeros at first, and the entries since the last challenge. Drawing a challenge adds
/// an entry of kind `challenge` with its label and, as payload, how many were drawn before it, and then sets
///
///     S = H("ratchet1" | S | entries)      output block i = B("squeeze1" | S | i as 8 bytes little-endian)
///
/// H being the transcript's hash function and B the same, or BLAKE3 where the digests of H are field elements and so no
/// uniform bits (Poseidon2): H then binds the challenges to what was absorbed, and B makes bits of them. Output blocks are read as little-endian 64-bit words. So a challenge
/// depends on everything absorbed before it, on its own label and number; and everything after depends on its having
/// been drawn. The first entry, of kind `domain`, names the protocol and the hash function.
///
/// **Branches.** Protocols that need nothing of each other's messages may run in transcripts of their own (`fork`), each
/// of which starts from the state after a ratchet and an entry of kind `branch` with its number, and so depends on everything
/// before. `join` ratchets each of them once more and absorbs the states that result: everything after depends on every
/// message of every branch. As the challenges of one branch do not depend on the others, a cheating prover can try each
/// by itself, as it can try the rounds of one protocol one after the other: errors add up as they do there.
///
/// Not thread-safe; a proof is one sequence of messages.
public class Transcript {
    /// The kinds of entries.
    @usableFromInline
    enum Kind: UInt8 {
        case domain = 0
        case challenge = 1
        case bytes = 2
        /// Payload: bytes of one element as 8 bytes little-endian, then the canonical encodings.
        case elements = 3
        /// Payload: 8 bytes, little-endian.
        case integer = 4
        /// Payload: UTF-8.
        case string = 5
        /// Payload: which branch, as 8 bytes little-endian. The first entry of a branch, and of nothing else.
        case branch = 6
    }

    /// The hash function.
    public let hash: HashFunction
    private var challengesDrawn: UInt64 = 0
    private var branchCount: Int?
    /// What the next ratchet hashes: its tag, the state, the entries so far. Behind a pointer, as `stream` is.
    private final let pending: UnsafeMutablePointer<Pending>

    /// The output stream of the challenge drawn last. Behind a pointer, because run-time exclusivity checks of class
    /// properties took longer than the hashing.
    @usableFromInline final let stream: UnsafeMutablePointer<Stream>

    @frozen
    @usableFromInline
    struct Stream {
        @usableFromInline var state = Digest.zero
        /// Words `next..<available` of `blocks` are not yet used.
        @usableFromInline var next = 0
        @usableFromInline var available = 0
        @usableFromInline var blocksSqueezed = 0
        @usableFromInline let blocks: UnsafeMutablePointer<Digest>
        /// The capacity of `blocks`: enough to fill the lanes of a vector.
        @usableFromInline static var mostBlocks: Int { 16 }

        init() { blocks = .allocate(capacity: Stream.mostBlocks) }
    }

    /// Bytes that grow. (An array's appending took several times as long as the hashing of a round's message.)
    private struct Pending {
        private var start: UnsafeMutableRawPointer
        private var capacity: Int
        private var count = 0

        init() {
            capacity = 1 << 10
            start = .allocate(byteCount: capacity, alignment: 64)
        }

        var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

        /// Room for `size` more bytes, which the caller fills.
        mutating func extend(by size: Int) -> UnsafeMutableRawPointer {
            if size > capacity - count { grow(to: count + size) }
            defer { count += size }
            return start + count
        }

        @inline(never)
        private mutating func grow(to size: Int) {
            capacity = max(size, 2 * capacity)
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
            larger.copyMemory(from: start, byteCount: count)
            start.deallocate()
            start = larger
        }

        mutating func removeAll() { count = 0 }

        func deallocate() { start.deallocate() }
    }

    /// "ratchet1" and "squeeze1" as they are loaded from memory.
    private static let ratchetTag = Array("ratchet1".utf8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    private static let squeezeTag = Array("squeeze1".utf8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }

    fileprivate init(domain: String, hash: HashFunction) {
        self.hash = hash
        pending = .allocate(capacity: 1)
        pending.initialize(to: Pending())
        stream = .allocate(capacity: 1)
        stream.initialize(to: Stream())
        begin(.zero)
        appendEntry(.domain, "Assay transcript 1", Array("\(hash.rawValue) \(domain)".utf8))
    }

    /// Branch `number` of a transcript in this state.
    fileprivate init(branch number: Int, _ label: StaticString, of parent: Transcript) {
        hash = parent.hash
        pending = .allocate(capacity: 1)
        pending.initialize(to: Pending())
        stream = .allocate(capacity: 1)
        stream.initialize(to: Stream())
        begin(parent.stream.pointee.state)
        appendHeader(.branch, label, payloadBytes: 8).storeBytes(of: UInt64(number).littleEndian, as: UInt64.self)
    }

    deinit {
        stream.pointee.blocks.deallocate()
        stream.deallocate()
        pending.pointee.deallocate()
        pending.deallocate()
    }

    // MARK: Absorbing

    /// Binds later challenges to `bytes`.
    public final func absorb(_ label: StaticString, _ bytes: [UInt8]) { appendEntry(.bytes, label, bytes) }

    /// Binds later challenges to these bytes. The same as absorbing them as an array.
    public final func absorb(_ label: StaticString, raw bytes: UnsafeRawBufferPointer) {
        appendEntry(.bytes, label, bytes)
    }

    /// Binds later challenges to the canonical encodings of `elements`.
    @inlinable
    public final func absorb<E: Field>(_ label: StaticString, _ elements: [E]) {
        appendElements(label, Transcript.encode(elements), elementBytes: E.byteCount)
    }

    /// Binds later challenges to one element. The same as absorbing an array of one.
    @inlinable
    public final func absorb<E: Field>(_ label: StaticString, _ element: E) { absorb(label, [element]) }

    /// Binds later challenges to `digests`: the same as absorbing their bytes.
    public final func absorb(_ label: StaticString, digests: [Digest]) {
        digests.withUnsafeBytes { appendEntry(.bytes, label, $0) }
    }

    /// Binds later challenges to an integer.
    public final func absorb(_ label: StaticString, integer: UInt64) {
        appendHeader(.integer, label, payloadBytes: 8).storeBytes(of: integer.littleEndian, as: UInt64.self)
    }

    /// Binds later challenges to a string.
    public final func absorb(_ label: StaticString, string: String) {
        appendEntry(.string, label, Array(string.utf8))
    }

    // MARK: Challenges

    /// A uniformly distributed field element that depends on everything absorbed and drawn so far.
    @inlinable
    public final func challenge<E: Field>(_ label: StaticString, as: E.Type = E.self) -> E {
        beginChallenge(label)
        return E.uniform(nextWord)
    }

    /// `count` independent uniform field elements, drawn as one challenge.
    @inlinable
    public final func challenges<E: Field>(_ label: StaticString, count: Int, as: E.Type = E.self) -> [E] {
        beginChallenge(label)
        var result: [E] = []
        result.reserveCapacity(count)
        for _ in 0..<count { result.append(E.uniform(nextWord)) }
        return result
    }

    /// `count` uniform 64-bit words, drawn as one challenge.
    public final func challengeWords(_ label: StaticString, count: Int) -> [UInt64] {
        beginChallenge(label)
        return (0..<count).map { _ in nextWord() }
    }

    /// A uniformly random set of `count` distinct integers in `0..<bound`, in rising order.
    ///
    /// Floyd's method (Bentley and Floyd, "A sample of brilliance", CACM 1987): `count` draws whatever the bound, each
    /// uniform by rejection, give every subset of that size with the same probability.
    ///
    /// - Precondition: `0 <= count <= bound`.
    public final func distinctIndices(_ label: StaticString, count: Int, bound: Int) -> [Int] {
        precondition(count >= 0 && count <= bound, "\(count) distinct integers below \(bound)")
        beginChallenge(label)
        var chosen = Set<Int>(minimumCapacity: count)
        for last in bound - count..<bound {
            let candidate = Int(uniformWord(below: UInt64(last) + 1))
            if !chosen.insert(candidate).inserted { chosen.insert(last) }
        }
        return chosen.sorted()
    }

    // MARK: Branches

    /// How many branches there are to join.
    fileprivate final func forked(_ label: StaticString, _ count: Int) {
        precondition(branchCount == nil, "branches within branches have transcripts of their own")
        branchCount = count
        beginChallenge(label)
    }

    fileprivate final func join(_ label: StaticString, states branches: [Transcript]) {
        precondition(branchCount == branches.count, "all branches are joined, once")
        precondition(branches.allSatisfy { $0.branchCount == nil }, "a branch has branches that were not joined")
        branchCount = nil
        absorb(
            label,
            digests: branches.map {
                $0.beginChallenge(label)
                return $0.stream.pointee.state
            })
    }

    // MARK: Inside

    /// The canonical encodings of `elements`, one after the other.
    @inlinable
    static func encode<E: Field>(_ elements: [E]) -> [UInt8] {
        let size = E.byteCount
        return [UInt8](unsafeUninitializedCapacity: max(elements.count * size, 1)) { output, count in
            var pointer = UnsafeMutableRawPointer(output.baseAddress!)
            for element in elements {
                element.write(to: pointer)
                pointer += size
            }
            count = elements.count * size
        }
    }

    @usableFromInline
    final func appendElements(_ label: StaticString, _ encoded: some Collection<UInt8>, elementBytes: Int) {
        let payload = appendHeader(.elements, label, payloadBytes: 8 + encoded.count)
        payload.storeBytes(of: UInt64(elementBytes).littleEndian, as: UInt64.self)
        copy(encoded, to: payload + 8)
    }

    private func appendEntry(_ kind: Kind, _ label: StaticString, _ payload: some Collection<UInt8>) {
        copy(payload, to: appendHeader(kind, label, payloadBytes: payload.count))
    }

    @inline(__always)
    private func copy(_ bytes: some Collection<UInt8>, to target: UnsafeMutableRawPointer) {
        UnsafeMutableRawBufferPointer(start: target, count: bytes.count).copyBytes(from: bytes)
    }

    /// Appends all of an entry but its payload; returns where that goes.
    private func appendHeader(_ kind: Kind, _ label: StaticString, payloadBytes: Int) -> UnsafeMutableRawPointer {
        label.withUTF8Buffer { label in
            let entry = pending.pointee.extend(by: 17 + label.count + payloadBytes)
            entry.storeBytes(of: kind.rawValue, as: UInt8.self)
            entry.storeBytes(of: UInt64(label.count).littleEndian, toByteOffset: 1, as: UInt64.self)
            let rest = entry + 9 + label.count
            if let start = label.baseAddress { (entry + 9).copyMemory(from: start, byteCount: label.count) }
            rest.storeBytes(of: UInt64(payloadBytes).littleEndian, as: UInt64.self)
            return rest + 8
        }
    }

    /// Starts the bytes of the next ratchet.
    private func begin(_ state: Digest) {
        pending.pointee.removeAll()
        let start = pending.pointee.extend(by: 40)
        start.storeBytes(of: Transcript.ratchetTag, as: UInt64.self)
        start.storeBytes(of: state, toByteOffset: 8, as: Digest.self)
    }

    /// Ratchets the state and starts its output stream.
    @usableFromInline
    final func beginChallenge(_ label: StaticString) {
        let payload = appendHeader(.challenge, label, payloadBytes: 8)
        payload.storeBytes(of: challengesDrawn.littleEndian, as: UInt64.self)
        challengesDrawn += 1
        let state = hash.hash(pending.pointee.bytes)
        begin(state)
        stream.pointee.state = state
        stream.pointee.next = 0
        stream.pointee.available = 0
        stream.pointee.blocksSqueezed = 0
    }

    /// The next word of the output stream.
    @inlinable
    final func nextWord() -> UInt64 {
        if stream.pointee.next == stream.pointee.available { squeeze() }
        let word = UnsafeRawPointer(stream.pointee.blocks).load(
            fromByteOffset: 8 * stream.pointee.next, as: UInt64.self)
        stream.pointee.next += 1
        return UInt64(littleEndian: word)
    }

    /// Refills the stream, with one block at first, then with as many as there were before, up to all that fit. Its
    /// words do not depend on that.
    @usableFromInline
    final func squeeze() {
        let done = stream.pointee.blocksSqueezed
        let blocks = min(max(done, 1), Stream.mostBlocks)
        withUnsafeTemporaryAllocation(byteCount: 48 * blocks, alignment: 8) { rows in
            for i in 0..<blocks {
                let row = rows.baseAddress! + 48 * i
                row.storeBytes(of: Transcript.squeezeTag, as: UInt64.self)
                row.storeBytes(of: stream.pointee.state, toByteOffset: 8, as: Digest.self)
                row.storeBytes(of: UInt64(done + i).littleEndian, toByteOffset: 40, as: UInt64.self)
            }
            if blocks == 1 {
                stream.pointee.blocks[0] = hash.stretching.hash(UnsafeRawBufferPointer(rows))
            } else {
                hash.stretching.hashRows(rows.baseAddress!, rowBytes: 48, rowCount: blocks, into: stream.pointee.blocks)
            }
        }
        stream.pointee.blocksSqueezed = done + blocks
        stream.pointee.next = 0
        stream.pointee.available = 4 * blocks
    }

    /// A uniform integer in `0..<bound`, by rejection (Lemire, "Fast random integer generation in an interval", 2019).
    private func uniformWord(below bound: UInt64) -> UInt64 {
        let threshold = (0 &- bound) % bound
        while true {
            let (high, low) = nextWord().multipliedFullWidth(by: bound)
            if low >= threshold { return high }
        }
    }
}

/// The prover's side: what it sends is absorbed and becomes the proof.
public final class ProverTranscript: Transcript {
    /// Everything sent and hinted so far.
    public private(set) var proof: [UInt8] = []

    public override init(domain: String, hash: HashFunction) { super.init(domain: domain, hash: hash) }

    private init(branch number: Int, _ label: StaticString, ofProver parent: ProverTranscript) {
        super.init(branch: number, label, of: parent)
    }

    /// Transcripts for `count` protocols that need nothing of each other's messages. They may be used by a thread each, and this
    /// one not before they are joined.
    public func fork(_ label: StaticString, count: Int) -> [ProverTranscript] {
        forked(label, count)
        return (0..<count).map { ProverTranscript(branch: $0, label, ofProver: self) }
    }

    /// Goes on after all branches: their messages follow in the proof, in their order.
    public func join(_ label: StaticString, _ branches: [ProverTranscript]) {
        for branch in branches { hint(branch.proof) }
        join(label, states: branches)
    }

    /// Absorbs `elements` and appends their canonical encodings to the proof.
    @inlinable
    public func send<E: Field>(_ label: StaticString, _ elements: [E]) {
        let encoded = Transcript.encode(elements)
        appendElements(label, encoded, elementBytes: E.byteCount)
        hint(encoded)
    }

    /// Absorbs one element and appends its canonical encoding to the proof.
    @inlinable
    public func send<E: Field>(_ label: StaticString, _ element: E) { send(label, [element]) }

    /// Absorbs `bytes` and appends them to the proof.
    public func send(_ label: StaticString, bytes: [UInt8]) {
        absorb(label, bytes)
        hint(bytes)
    }

    /// Absorbs `digests` and appends them to the proof.
    public func send(_ label: StaticString, digests: [Digest]) {
        absorb(label, digests: digests)
        hint(digests: digests)
    }

    /// Appends `bytes` to the proof *without* absorbing them: only for what the verifier checks against something
    /// absorbed, such as opened columns under a Merkle cap.
    public func hint(_ bytes: [UInt8]) { proof += bytes }

    /// Appends bytes to the proof without absorbing them; see `hint`.
    public func hint(raw bytes: UnsafeRawBufferPointer) { proof += bytes }

    /// Appends digests to the proof without absorbing them; see `hint`.
    public func hint(digests: [Digest]) { digests.withUnsafeBytes { proof += $0 } }
}

/// The verifier's side: reads what the prover sent from the proof and absorbs it.
///
/// The proof is hostile: whatever its bytes, every method returns or throws a `VerificationError` that names the
/// message, and none allocates more than the proof that is left. After an error the transcript is of no further use.
public final class VerifierTranscript: Transcript {
    /// The proof and how much of it was read: branches read on where the one before has ended.
    private final class Reader {
        let proof: [UInt8]
        var position = 0

        init(_ proof: [UInt8]) { self.proof = proof }
    }

    private let reader: Reader

    public init(domain: String, hash: HashFunction, proof: [UInt8]) {
        reader = Reader(proof)
        super.init(domain: domain, hash: hash)
    }

    private init(branch number: Int, _ label: StaticString, ofVerifier parent: VerifierTranscript) {
        reader = parent.reader
        super.init(branch: number, label, of: parent)
    }

    /// The verifier's side of `ProverTranscript.fork`. The branches share the proof: use each to its end before the next.
    public func fork(_ label: StaticString, count: Int) -> [VerifierTranscript] {
        forked(label, count)
        return (0..<count).map { VerifierTranscript(branch: $0, label, ofVerifier: self) }
    }

    /// Goes on after all branches.
    public func join(_ label: StaticString, _ branches: [VerifierTranscript]) { join(label, states: branches) }

    /// Bytes of the proof not yet read.
    public var remaining: Int { reader.proof.count - reader.position }

    /// Reads and absorbs `count` elements.
    @inlinable
    public func receive<E: Field>(_ label: StaticString, count: Int, as: E.Type = E.self) throws -> [E] {
        let encoded = try take(label, count: count, elementBytes: E.byteCount)
        let elements: [E] = try encoded.withUnsafeBytes { bytes in
            var elements: [E] = []
            elements.reserveCapacity(count)
            for i in 0..<count {
                guard let element = E(canonical: bytes.baseAddress! + i * E.byteCount) else {
                    throw VerifierTranscript.notCanonical(label, index: i)
                }
                elements.append(element)
            }
            return elements
        }
        appendElements(label, encoded, elementBytes: E.byteCount)
        return elements
    }

    /// Reads and absorbs one element.
    @inlinable
    public func receiveOne<E: Field>(_ label: StaticString, as: E.Type = E.self) throws -> E {
        try receive(label, count: 1)[0]
    }

    /// Reads and absorbs `count` bytes.
    public func receiveBytes(_ label: StaticString, count: Int) throws -> [UInt8] {
        let bytes = Array(try take(label, count: count, elementBytes: 1))
        absorb(label, bytes)
        return bytes
    }

    /// Reads and absorbs `count` digests.
    public func receiveDigests(_ label: StaticString, count: Int) throws -> [Digest] {
        let digests = try hintDigests(label, count: count)
        absorb(label, digests: digests)
        return digests
    }

    /// Reads `count` bytes that were hinted: they are *not* absorbed, and mean nothing until they are checked against
    /// something that was. `label` appears in errors only.
    public func hint(_ label: StaticString = "hint", count: Int) throws -> ArraySlice<UInt8> {
        try take(label, count: count, elementBytes: 1)
    }

    /// Reads `count` digests that were hinted; see `hint`.
    public func hintDigests(_ label: StaticString = "hint", count: Int) throws -> [Digest] {
        try take(label, count: count, elementBytes: Digest.byteCount).withUnsafeBytes { bytes in
            (0..<count).map { Digest(reading: bytes.baseAddress! + $0 * Digest.byteCount) }
        }
    }

    /// Ends the reading: the whole proof must have been read.
    public func finish() throws {
        guard remaining == 0 else {
            throw VerificationError(check: "end of proof", detail: "\(remaining) bytes follow the last message")
        }
    }

    /// The next `count * elementBytes` bytes of the proof.
    @usableFromInline
    func take(_ label: StaticString, count: Int, elementBytes: Int) throws -> ArraySlice<UInt8> {
        // Divided, not multiplied: a product might overflow.
        guard count >= 0, count <= remaining / elementBytes else {
            throw VerificationError(
                check: "\(label)",
                detail: "\(count) x \(elementBytes) bytes expected, \(remaining) are left of the proof")
        }
        let start = reader.position
        reader.position += count * elementBytes
        return reader.proof[start..<reader.position]
    }

    @usableFromInline
    static func notCanonical(_ label: StaticString, index: Int) -> VerificationError {
        VerificationError(check: "\(label)", detail: "element \(index) is not canonical")
    }
}
