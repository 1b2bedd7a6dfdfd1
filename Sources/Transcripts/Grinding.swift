import Tensors

/// Grinding: work that must be done before a challenge, so that nobody can draw it often for nothing. In the random oracle
/// model a prover who wants another challenge needs about `2^bits` hashes each time, so the error of what follows, times
/// `2^-bits`, bounds the success for each hash evaluation.
///
/// The prover finds a number such that the digest of `"grinding" | seed | number` (8, 32 and 8 bytes; the seed is a challenge) begins with
/// `bits` zero bits, read as a little-endian word, and sends it.
public enum Grinding {
    /// What it does to the error of the next challenges.
    public static func theorem(bits: Int) -> String {
        "\(bits) bits of grinding (work for each attempt, random oracle)"
    }

    static let numberBytes = 8
    static var mostBits: Int { 30 }
    private static let tag = Array("grinding".utf8)
    static var rowBytes: Int { numberOffset + numberBytes }
    static var numberOffset: Int { 8 + Digest.byteCount }

    static func isGood(_ digest: Digest, bits: Int) -> Bool {
        withUnsafeBytes(of: digest) { UInt64(littleEndian: $0.load(as: UInt64.self)) & ((1 << UInt64(bits)) - 1) == 0 }
    }

    static func row(seed: [UInt64], number: UInt64) -> [UInt8] {
        tag + (seed + [number]).flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
    }
}

extension ProverTranscript {
    /// Finds and sends the least number that will do; nothing for no bits. On all threads.
    ///
    /// - Precondition: `0 <= bits <= 30`.
    public func grind(_ label: StaticString, bits: Int) {
        precondition((0...Grinding.mostBits).contains(bits))
        if bits == 0 { return }
        let seed = challengeWords(label, count: 4)
        // Pieces of a batch on all threads; of the numbers found in one batch the least counts.
        let (piece, pieces) = (1 << 9, 8)
        let batch = piece * pieces
        let rows = AlignedBuffer<UInt8>(uninitialized: batch * Grinding.rowBytes)
        let digests = AlignedBuffer<Digest>(uninitialized: batch)
        let found = AlignedBuffer<Int>(uninitialized: pieces)
        let row = Grinding.row(seed: seed, number: 0)
        for i in 0..<batch { (rows.pointer + i * Grinding.rowBytes).update(from: row, count: row.count) }
        var first: UInt64 = 0
        while true {
            Parallel.forEach(pieces) { k in
                let own = k * piece..<(k + 1) * piece
                for i in own {
                    UnsafeMutableRawPointer(rows.pointer + i * Grinding.rowBytes + Grinding.numberOffset).storeBytes(
                        of: (first + UInt64(i)).littleEndian, as: UInt64.self)
                }
                hash.hashRows(
                    rows.pointer + own.lowerBound * Grinding.rowBytes, rowBytes: Grinding.rowBytes, rowCount: piece,
                    into: digests.pointer + own.lowerBound)
                found[k] = own.first { Grinding.isGood(digests.pointer[$0], bits: bits) } ?? batch
            }
            if let least = found.elements.min(), least < batch {
                let number = first + UInt64(least)
                send(label, bytes: withUnsafeBytes(of: number.littleEndian) { Array($0) })
                return
            }
            first += UInt64(batch)
        }
    }
}

extension VerifierTranscript {
    /// Reads and checks the number that `ProverTranscript.grind` found.
    public func checkGrinding(_ label: StaticString, bits: Int) throws {
        precondition((0...Grinding.mostBits).contains(bits))
        if bits == 0 { return }
        let seed = challengeWords(label, count: 4)
        let bytes = try receiveBytes(label, count: Grinding.numberBytes)
        let number = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard Grinding.isGood(hash.hash(Grinding.row(seed: seed, number: number)), bits: bits) else {
            throw VerificationError(check: "\(label)", detail: "the number sent does not show \(bits) bits of work")
        }
    }
}
