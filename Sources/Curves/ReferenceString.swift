import Fields
import Foundation
import Tensors
import Transcripts

/// Why a reference string could not be used.
public struct ReferenceStringError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// What a verifier needs of a reference string: [tau] and [tau^2] in G1, [tau], [tau^2] and [tau^3] in G2, where [x] is x
/// times the generator.
public struct VerifierReference: Hashable, Sendable {
    public let g1: [G1]
    public let g2: [G2]

    /// 1, tau and tau^2 in G1.
    public var smallPowers: [G1] { [.generator] + g1 }

    init(g1: [G1], g2: [G2]) {
        precondition(g1.count == 2 && g2.count == 3)
        self.g1 = g1
        self.g2 = g2
    }

    public static let byteCount = 2 * 64 + 3 * 128
    public var encoded: [UInt8] { g1.flatMap(\.encoded) + g2.flatMap(\.encoded) }

    /// Reads `byteCount` bytes.
    ///
    /// - Throws: `ReferenceStringError` unless they are canonical encodings of points of the groups that are powers of one
    ///   tau, and not of zero.
    public init(encoded bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount else {
            throw ReferenceStringError("\(bytes.count) bytes where \(Self.byteCount) are expected")
        }
        let g1 = (0..<2).compactMap { G1(encoded: bytes[64 * $0..<64 * $0 + 64]) }
        let g2 = (0..<3).compactMap { G2(encoded: bytes[128 + 128 * $0..<256 + 128 * $0]) }
        guard g1.count == 2, g2.count == 3 else { throw ReferenceStringError("an element is no point of its group") }
        self.init(g1: g1, g2: g2)
        try check()
    }

    func check() throws {
        guard !g1[0].isIdentity else { throw ReferenceStringError("tau is zero") }
        // [tau] and [tau^2] in both groups, then [tau^3] from them.
        let steps: [(G1, G2, G1, G2)] = [
            (g1[0], .generator, .generator, g2[0]), (g1[1], .generator, g1[0], g2[0]),
            (g1[1], .generator, .generator, g2[1]), (g1[1], g2[0], .generator, g2[2]),
        ]
        for (a, b, c, d) in steps where !Pairing.isProductOne([(a, b), (-c, d)]) {
            throw ReferenceStringError("the elements are not powers of one tau")
        }
    }

    /// Whether this is the development string, whose tau everybody knows, so that everybody can forge proofs.
    public var isInsecure: Bool { self == ReferenceString.development(size: 3).verifier }

    /// "INSECURE development", or half of a digest.
    public var label: String {
        if isInsecure { return ReferenceString.insecureLabel }
        return String(HashFunction.sha256.hash(encoded).description.prefix(32))
    }
}

/// A structured reference string for polynomials over the scalar field: [1], [tau], [tau^2], ... in G1.
///
/// Whoever knows tau can open a commitment to anything, so it must come from a ceremony in which at least one of many
/// participants destroyed their part (Bowe, Gabizon, Miers, "Scalable multi-party computation for zk-SNARK parameters in the
/// random beacon model", ePrint 2017/1050). Its results are read from the `.ptau` files of snarkjs. For tests and
/// experiments there is a string from a seed that everybody knows, with the label "INSECURE development".
public final class ReferenceString: Sendable {
    /// The name of the string whose tau is known.
    public static let insecureLabel = "INSECURE development"

    public let verifier: VerifierReference
    /// Keeps the memory of `points`: a buffer, or a mapped file.
    private let owner: any Sendable
    nonisolated(unsafe) private let storage: UnsafeBufferPointer<G1>

    private init(verifier: VerifierReference, owner: any Sendable, storage: UnsafeBufferPointer<G1>) {
        self.verifier = verifier
        self.owner = owner
        self.storage = storage
    }

    /// The number of powers, 1 included.
    public var count: Int { storage.count }

    /// The powers, valid inside the body.
    public func withPoints<R>(_ body: (UnsafeBufferPointer<G1>) throws -> R) rethrows -> R {
        try withExtendedLifetime(self) { try body(storage) }
    }

    // MARK: Development

    /// The secret of the development string, which is none.
    static let developmentTau: BN254Scalar = {
        let transcript = ProverTranscript(domain: "INSECURE development reference string", hash: .sha256)
        return transcript.challenge("tau")
    }()

    /// Computed on first use for each size; larger ones replace smaller ones.
    private static let developmentCache = Locked<ReferenceString?>(nil)

    /// A string of at least `size` powers, at least three, of a tau that anybody can compute. **Not for use**: it proves
    /// nothing to anyone. Takes about 1 microsecond a power.
    public static func development(size: Int) -> ReferenceString {
        developmentCache.withValue { cached in
            if let known = cached, known.count >= size { return known }
            let powers = developmentTau.powers(max(size, 3))
            let points = MultiScalar.multiples(of: .generator, by: powers)
            let tau = developmentTau
            let verifier = VerifierReference(
                g1: [points[1], points[2]],
                g2: [tau, tau * tau, tau * tau * tau].map { G2.generator.multiplied(by: $0) })
            let made = ReferenceString(verifier: verifier, owner: points, storage: points.elements)
            cached = made
            return made
        }
    }

    // MARK: Files

    /// The first `size` powers, at least three, from a `.ptau` file of snarkjs, which stays mapped.
    ///
    /// Checked: the structure of the file, that every point used is on its curve, in its group and not the identity, and
    /// that the powers that verifiers use belong together. That all powers belong together is checked by `verifyPowers`;
    /// where they do not, proofs do not verify. No file can show that its tau was destroyed.
    public convenience init(ptau path: String, size: Int) throws {
        let size = max(size, 3)
        let map = try FileMap(path)
        let file = try PtauFile(map.bytes, name: path)
        guard size <= file.g1Count else {
            throw ReferenceStringError("\(path) has \(file.g1Count) powers in G1, and \(size) are needed")
        }
        let storage: UnsafeBufferPointer<G1>
        let owner: any Sendable
        let raw = UnsafeRawBufferPointer(rebasing: map.bytes[file.g1Start..<file.g1Start + 64 * size])
        if Int(bitPattern: raw.baseAddress!) % MemoryLayout<G1>.alignment == 0 {
            storage = raw.bindMemory(to: G1.self)
            owner = map
        } else {
            let copy = AlignedBuffer<G1>(uninitialized: size)
            UnsafeMutableRawPointer(copy.pointer).copyMemory(from: raw.baseAddress!, byteCount: raw.count)
            storage = copy.elements
            owner = copy
        }
        for (i, point) in storage.enumerated() where point.isIdentity || !point.x.isReduced || !point.y.isReduced {
            throw ReferenceStringError("\(path): power \(i) in G1 is not a canonical point")
        }
        if let i = MultiScalar.firstOffCurve(storage) {
            throw ReferenceStringError("\(path): power \(i) in G1 is not on the curve")
        }
        let g2 = (0..<4).map { map.bytes.loadUnaligned(fromByteOffset: file.g2Start + 128 * $0, as: G2.self) }
        for (i, point) in g2.enumerated() {
            let words = [point.x.real, point.x.imaginary, point.y.real, point.y.imaginary]
            guard words.allSatisfy(\.isReduced), !point.isIdentity, point.isInSubgroup else {
                throw ReferenceStringError("\(path): power \(i) in G2 is not in the group")
            }
        }
        guard storage[0] == .generator, g2[0] == .generator else {
            throw ReferenceStringError("\(path) does not begin with the generators")
        }
        let verifier = VerifierReference(g1: [storage[1], storage[2]], g2: Array(g2[1...]))
        do { try verifier.check() } catch { throw ReferenceStringError("\(path): \(error)") }
        self.init(verifier: verifier, owner: owner, storage: storage)
    }

    /// The number of powers in G1 that a file has.
    public static func powerCount(ptau path: String) throws -> Int {
        let map = try FileMap(path)
        return try withExtendedLifetime(map) { try PtauFile(map.bytes, name: path).g1Count }
    }

    /// Checks by two pairings that each power is tau times the one before; a string that fails passes with probability
    /// 2^-120, over 128-bit factors from the system's generator.
    public func verifyPowers() throws {
        let words: [UInt64] = (0..<4 * (count - 1)).map { $0 & 3 < 2 ? UInt64.random(in: 0...UInt64.max) : 0 }
        let sums = words.withUnsafeBufferPointer { words in
            MultiScalar.sums([.init(words: words), .init(words: words, firstPoint: 1)], points: storage)
        }
        guard Pairing.isProductOne([(sums[1], .generator), (-sums[0], verifier.g2[0])]) else {
            throw ReferenceStringError("the powers in G1 are not those of one tau")
        }
    }

    /// Writes the development string as a `.ptau` file with 2^(power + 1) - 1 powers in G1 and 2^power in G2, for trying out
    /// what reads such files. Takes about 0.2 milliseconds for each power in G2.
    ///
    /// - Throws: `ReferenceStringError` unless the file's name contains "INSECURE" and `power` is from 2 to 20.
    public static func writeDevelopment(ptau path: String, power: Int) throws {
        guard path.split(separator: "/").last?.contains("INSECURE") == true else {
            throw ReferenceStringError("\(path): the name of a file with the development string must contain INSECURE")
        }
        guard (2...20).contains(power) else { throw ReferenceStringError("2^\(power) powers: not from 2^2 to 2^20") }
        let g1Count = (2 << power) - 1
        var bytes: [UInt8] = Array("ptau".utf8)
        func append<T: FixedWidthInteger>(_ value: T) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        func head(_ type: Int, _ size: Int) {
            append(UInt32(type))
            append(UInt64(size))
        }
        append(UInt32(1))
        append(UInt32(3))
        head(1, 44)
        append(UInt32(32))
        for word in [BN254Base.p0, BN254Base.p1, BN254Base.p2, BN254Base.p3] { append(word) }
        append(UInt32(power))
        append(UInt32(power))
        head(2, 64 * g1Count)
        development(size: g1Count).withPoints { bytes += UnsafeRawBufferPointer($0).prefix(64 * g1Count) }
        head(3, 128 << power)
        for t in developmentTau.powers(1 << power) {
            withUnsafeBytes(of: G2.generator.multiplied(by: t)) { bytes += $0 }
        }
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        } catch {
            throw ReferenceStringError("\(path): cannot be written (\(error.localizedDescription))")
        }
    }
}

extension MontgomeryField {
    /// Whether the words, which came from outside, are a Montgomery form: less than p.
    var isReduced: Bool {
        if m3 != Self.p3 { return m3 < Self.p3 }
        if m2 != Self.p2 { return m2 < Self.p2 }
        if m1 != Self.p1 { return m1 < Self.p1 }
        return m0 < Self.p0
    }
}

/// Where the powers lie in a `.ptau` file: magic, version, number of sections, then sections of type, size and data. Section
/// 1 is the header: bytes of an element, the prime, k. Section 2 holds 2^(k+1) - 1 powers in G1, section 3 holds 2^k in G2,
/// as coordinates in Montgomery form. Other sections are skipped.
struct PtauFile {
    let g1Start: Int
    let g1Count: Int
    let g2Start: Int
    let g2Count: Int

    init(_ bytes: UnsafeRawBufferPointer, name: String) throws {
        func fail(_ detail: String) -> ReferenceStringError { ReferenceStringError("\(name): \(detail)") }
        func word(_ at: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        }
        func long(_ at: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        guard bytes.count >= 12, bytes[0..<4].elementsEqual("ptau".utf8) else { throw fail("not a .ptau file") }
        guard word(4) == 1 else { throw fail("version \(word(4)) of the format, and only 1 is known") }
        var sections: [UInt32: Range<Int>] = [:]
        var position = 12
        for _ in 0..<word(8) {
            guard bytes.count - position >= 12 else { throw fail("it ends in the head of a section") }
            let (type, size) = (word(position), long(position + 4))
            position += 12
            guard size <= UInt64(bytes.count - position) else { throw fail("section \(type) is longer than the file") }
            guard sections[type] == nil else { throw fail("section \(type) is there twice") }
            sections[type] = position..<position + Int(size)
            position += Int(size)
        }
        guard position == bytes.count else { throw fail("\(bytes.count - position) bytes follow the last section") }
        guard let header = sections[1], header.count == 44 else { throw fail("no header") }
        let start = header.lowerBound
        let prime = (0..<4).map { long(start + 4 + 8 * $0) }
        guard word(start) == 32, prime == [BN254Base.p0, BN254Base.p1, BN254Base.p2, BN254Base.p3] else {
            throw fail("it is for another curve")
        }
        let power = word(start + 36)
        guard power >= 2, power <= 28 else { throw fail("2^\(power) powers: not from 2^2 to 2^28") }
        guard let g1 = sections[2], g1.count == 64 * ((2 << power) - 1) else {
            throw fail("the powers in G1 are missing or not \((2 << power) - 1)")
        }
        guard let g2 = sections[3], g2.count == 128 << power else {
            throw fail("the powers in G2 are missing or not \(1 << power)")
        }
        (g1Start, g1Count) = (g1.lowerBound, g1.count / 64)
        (g2Start, g2Count) = (g2.lowerBound, g2.count / 128)
    }
}

/// A file mapped into memory for reading.
private final class FileMap: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(_ path: String) throws {
        let file = open(path, O_RDONLY | O_NONBLOCK)
        guard file >= 0 else { throw ReferenceStringError("\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
            throw ReferenceStringError("\(path) is no file, or empty")
        }
        let size = Int(status.st_size)
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), address != MAP_FAILED else {
            throw ReferenceStringError("\(path): \(String(cString: strerror(errno)))")
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }
}

/// A value behind a lock.
final class Locked<Value>: @unchecked Sendable {
    private var value: Value
    private let lock = NSLock()

    init(_ value: Value) { self.value = value }

    func withValue<R>(_ body: (inout Value) throws -> R) rethrows -> R {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
