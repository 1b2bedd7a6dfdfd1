import Fields
import Transcripts

/// How a commitment is to be made: the level that proofs must reach, the hash function, and what is not left to the scheme.
public struct CommitmentSettings: Hashable, Sendable {
    /// An opening errs with probability at most `2^-securityBits`.
    public var securityBits: Int
    public var hash: HashFunction
    public var options: CommitmentOptions
    /// What a key holds of a trusted setup; empty for schemes without.
    public var publicParameters: [UInt8]

    public init(
        securityBits: Int, hash: HashFunction, options: CommitmentOptions = CommitmentOptions(),
        publicParameters: [UInt8] = []
    ) {
        self.securityBits = securityBits
        self.hash = hash
        self.options = options
        self.publicParameters = publicParameters
    }
}

/// Parameters that a user may fix; a scheme chooses the others by its cost model. They stand behind a backend's name, each
/// after a colon, `m31/fri:rate=1/4:arity=8`, and so enter keys, statements and transcripts.
public struct CommitmentOptions: Hashable, Sendable, CustomStringConvertible {
    /// The parameters, in the order in which names list them.
    public enum Key: String, CaseIterable, Sendable {
        /// The rate of the code of the rows, `1/2` to `1/16`.
        case rate
        /// Columns of the matrix before encoding, a power of two; fewer where there are not as many entries.
        case columns
        /// How many entries of a code word one step of folding makes into one.
        case arity
        /// Bits of grinding before the queries of columns and of folded words.
        case grinding
        /// Nodes of the Merkle cap, a power of two.
        case cap
        /// The number of queries.
        case queries
        /// Whether the combination of rows is committed to by folding rather than sent.
        case `switch`
    }

    /// log2 of the inverse of the rate.
    public var logInverseRate: Int?
    public var columnBits: Int?
    public var foldBits: Int?
    public var grindingBits: Int?
    public var capBits: Int?
    public var queries: Int?
    public var switches: Bool?

    public init() {}

    /// The options in text such as `rate=1/4:arity=8`; nil where it is none.
    public init?(_ text: some StringProtocol) {
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, let key = Key(rawValue: String(sides[0])), self[key] == nil,
                set(key, String(sides[1]))
            else { return nil }
        }
    }

    private mutating func set(_ key: Key, _ text: String) -> Bool {
        /// log2 of a power of two in a range.
        func bits(_ text: some StringProtocol, _ range: ClosedRange<Int>) -> Int? {
            guard let number = Int(text), number > 0, number & (number - 1) == 0, String(number) == text else {
                return nil
            }
            return range.contains(number.trailingZeroBitCount) ? number.trailingZeroBitCount : nil
        }
        func number(_ range: ClosedRange<Int>) -> Int? {
            guard let number = Int(text), String(number) == text, range.contains(number) else { return nil }
            return number
        }
        switch key {
        case .rate:
            guard text.hasPrefix("1/") else { return false }
            logInverseRate = bits(text.dropFirst(2), 1...4)
        case .columns: columnBits = bits(text, 1...30)
        case .arity: foldBits = bits(text, 1...5)
        case .grinding: grindingBits = number(0...30)
        case .cap: capBits = bits(text, 0...12)
        case .queries: queries = number(1...4096)
        case .switch: switches = ["on": true, "off": false][text]
        }
        return self[key] != nil
    }

    /// The value of a parameter as text; nil where it is not fixed.
    public subscript(key: Key) -> String? {
        switch key {
        case .rate: logInverseRate.map { "1/\(1 << $0)" }
        case .columns: columnBits.map { "\(1 << $0)" }
        case .arity: foldBits.map { "\(1 << $0)" }
        case .grinding: grindingBits.map { "\($0)" }
        case .cap: capBits.map { "\(1 << $0)" }
        case .queries: queries.map { "\($0)" }
        case .switch: switches.map { $0 ? "on" : "off" }
        }
    }

    /// The parameters that are fixed.
    public var keys: [Key] { Key.allCases.filter { self[$0] != nil } }
    public var isEmpty: Bool { keys.isEmpty }

    /// `rate=1/4:arity=8`, in one order only.
    public var description: String { keys.map { "\($0.rawValue)=\(self[$0]!)" }.joined(separator: ":") }

    /// Refuses what a scheme does not know.
    ///
    /// - Throws: `CommitmentError.option`.
    public func require(only known: Set<Key>, scheme: String) throws {
        for key in keys where !known.contains(key) {
            let names = Key.allCases.filter(known.contains).map(\.rawValue)
            throw CommitmentError.option(
                "\(scheme) has no '\(key.rawValue)'; it takes "
                    + (names.isEmpty ? "no parameters" : names.joined(separator: ", ")))
        }
    }
}
