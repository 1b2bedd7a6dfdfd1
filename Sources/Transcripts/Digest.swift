/// A 32-byte hash value. In memory it is just its 32 bytes, in order.
@frozen
public struct Digest: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    // Four words rather than 32 bytes, so that copies and comparisons are a few instructions.
    @usableFromInline var word0: UInt64
    @usableFromInline var word1: UInt64
    @usableFromInline var word2: UInt64
    @usableFromInline var word3: UInt64

    /// Bytes of a digest: 32.
    @inlinable public static var byteCount: Int { 32 }
    /// 32 zero bytes.
    @inlinable public static var zero: Digest { Digest() }

    @inlinable
    init() {
        word0 = 0
        word1 = 0
        word2 = 0
        word3 = 0
    }

    /// The digest with these bytes; nil unless there are 32.
    @inlinable
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.byteCount else { return nil }
        self.init()
        withUnsafeMutableBytes(of: &self) { $0.copyBytes(from: bytes) }
    }

    /// The digest whose bytes are the 32 from `bytes` on. No alignment needed.
    @inlinable
    public init(reading bytes: UnsafeRawPointer) {
        self = bytes.loadUnaligned(as: Digest.self)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }

    /// The digest as four words, each read from eight bytes in little-endian order.
    @inlinable
    public var words: [UInt64] {
        [word0, word1, word2, word3].map { UInt64(littleEndian: $0) }
    }

    /// 64 lower-case hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

extension Array where Element == Digest {
    /// The bytes of all digests, one after the other.
    public var digestBytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}
