import Foundation
import Transcripts

/// What a proof says, in full: everything a reader of `statement.json` may rely on is bound by the proof.
public struct Statement: Codable, Hashable, Sendable {
    /// Version of the protocol and of the file formats.
    public var version = Statement.currentVersion
    public var backend: String
    /// Digest of the verifying key, which holds the graph, its tables and the commitment to the weights.
    public var modelDigest: String
    /// The input, token by token.
    public var input: [Int]
    /// The next token: the argmax of the last position's logits.
    public var output: Int
    /// The level that was asked for; verification computes the budget and rejects where it is below.
    public var securityBits: Int

    public static let currentVersion = 3

    public init(backend: String, modelDigest: String, input: [Int], output: Int, securityBits: Int) {
        self.backend = backend
        self.modelDigest = modelDigest
        self.input = input
        self.output = output
        self.securityBits = securityBits
    }

    /// The one encoding that is accepted: sorted keys, pretty-printed, a newline at the end.
    public func canonicalJSON() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Reads a statement; anything but its canonical encoding is refused, so that no reader can be shown more than was proved.
    public init(json: Data) throws {
        let statement: Statement
        do {
            statement = try JSONDecoder().decode(Statement.self, from: json)
        } catch {
            throw VerificationError(check: "statement", detail: "not a statement: \(error)")
        }
        guard statement.version == Statement.currentVersion else {
            throw VerificationError(
                check: "statement",
                detail: "version \(statement.version) is not \(Statement.currentVersion): prove again with this program"
            )
        }
        guard try statement.canonicalJSON() == json else {
            throw VerificationError(check: "statement", detail: "not in canonical form: it was edited")
        }
        self = statement
    }
}

/// An error of the user's files or arguments, with the remedy.
public struct AssayError: Error, CustomStringConvertible, Sendable {
    public enum Kind: Sendable { case badData, inputOutput, usage }
    public let kind: Kind
    public let description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
