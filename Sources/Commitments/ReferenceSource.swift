import Curves
import Foundation

/// Where provers get their reference string from.
public enum ReferenceSource {
    private struct State {
        var path: String?
        var loaded: (path: String, string: ReferenceString)?
        var decoded: (bytes: [UInt8], verifier: VerifierReference)?
    }

    private static let lock = NSLock()
    nonisolated(unsafe) private static var state = State(path: ProcessInfo.processInfo.environment["ASSAY_SRS"])

    private static func withState<R>(_ body: (inout State) throws -> R) rethrows -> R {
        lock.lock()
        defer { lock.unlock() }
        return try body(&state)
    }

    /// A `.ptau` file of snarkjs; nil for the development string, which is insecure. Taken from the environment variable
    /// `ASSAY_SRS` until it is set.
    public static var ptauPath: String? {
        get { withState { $0.path?.isEmpty == true ? nil : $0.path } }
        set { withState { $0.path = newValue } }
    }

    /// The part that the next key will hold.
    static func verifier() throws -> VerifierReference {
        guard let path = ptauPath else { return ReferenceString.development(size: 3).verifier }
        return try string(path, size: 3).verifier
    }

    /// Whether a file was named; then keys made with another string are refused.
    public static var isPinned: Bool { ptauPath != nil }

    /// The string, of `size` powers or more, that a key's part belongs to.
    static func string(for verifier: VerifierReference, size: Int) throws -> ReferenceString {
        if let path = ptauPath {
            let string = try string(path, size: size)
            guard string.verifier == verifier else {
                throw CommitmentError.publicParameters(
                    "the key was made with another reference string (\(verifier.label)) than that of \(path)")
            }
            return string
        }
        guard verifier.isInsecure else {
            throw CommitmentError.publicParameters(
                "proofs for this key need the .ptau file that it was made with: put its path into ASSAY_SRS")
        }
        return ReferenceString.development(size: size)
    }

    private static func string(_ path: String, size: Int) throws -> ReferenceString {
        if let known = withState({ $0.loaded }), known.path == path, known.string.count >= size { return known.string }
        do {
            let string = try ReferenceString(ptau: path, size: size)
            withState { $0.loaded = (path, string) }
            return string
        } catch {
            throw CommitmentError.publicParameters("\(error)")
        }
    }

    /// The part of a string that a key holds, checked; the last one is remembered, because that takes some milliseconds.
    static func decode(_ bytes: [UInt8]) throws -> VerifierReference {
        if let known = withState({ $0.decoded }), known.bytes == bytes { return known.verifier }
        do {
            let verifier = try VerifierReference(encoded: bytes)
            withState { $0.decoded = (bytes, verifier) }
            return verifier
        } catch {
            throw CommitmentError.publicParameters("the reference string of the key: \(error)")
        }
    }
}

/// What a `.ptau` file holds, checked.
public struct ReferenceReport: Codable, Hashable, Sendable {
    /// The powers of tau in G1 that were read.
    public let powers: Int
    /// What verifying keys made with the file show: half of a digest, or that the string is insecure.
    public let label: String
    public let insecure: Bool
    /// Whether pairings were asked to show that all powers belong to one tau.
    public let powersVerified: Bool
}

extension ReferenceSource {
    /// Reads a file: every point used is on its curve and in its group, and the powers that verifiers use belong together.
    ///
    /// - Parameters:
    ///   - size: how many powers in G1 to read; all unless told.
    ///   - verifyPowers: checks by pairings that each power is tau times the one before.
    /// - Throws: `CommitmentError.publicParameters`.
    public static func inspect(ptau path: String, size: Int? = nil, verifyPowers: Bool) throws -> ReferenceReport {
        do {
            let string = try ReferenceString(ptau: path, size: try size ?? ReferenceString.powerCount(ptau: path))
            if verifyPowers { try string.verifyPowers() }
            let verifier = string.verifier
            return ReferenceReport(
                powers: string.count, label: verifier.label, insecure: verifier.isInsecure,
                powersVerified: verifyPowers)
        } catch {
            throw CommitmentError.publicParameters("\(error)")
        }
    }

    /// Writes the INSECURE development string as a `.ptau` file; see `ReferenceString.writeDevelopment`.
    public static func writeDevelopment(ptau path: String, power: Int) throws {
        do { try ReferenceString.writeDevelopment(ptau: path, power: power) } catch {
            throw CommitmentError.publicParameters("\(error)")
        }
    }
}
