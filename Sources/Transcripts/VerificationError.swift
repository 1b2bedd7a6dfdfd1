/// Why a proof was rejected.
///
/// Verifiers throw nothing else: a proof is hostile input, and every way in which it can be wrong ends here.
public struct VerificationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The check that failed, for programs and tests: a short fixed name such as `merkle cap`, or the label of a
    /// message.
    public let check: String
    /// What was expected and what was found, for people.
    public let detail: String

    public init(check: String, detail: String) {
        self.check = check
        self.detail = detail
    }

    public var description: String { "\(check): \(detail)" }
}
