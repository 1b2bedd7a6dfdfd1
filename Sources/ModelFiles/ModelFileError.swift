/// What is wrong with a model file, for people: which file, which tensor or field, and what would help.
public struct ModelFileError: Error, CustomStringConvertible, Sendable {
    public let file: String
    /// The tensor or the field of the configuration, where there is one.
    public let part: String?
    public let problem: String
    public let remedy: String

    public init(_ file: String, _ part: String? = nil, problem: String, remedy: String) {
        self.file = file
        self.part = part
        self.problem = problem
        self.remedy = remedy
    }

    public var description: String {
        let place = part.map { "\(file): \(ModelFileError.printable($0))" } ?? file
        return "\(place): \(problem). \(remedy)."
    }

    /// Names come from the file: control characters are escaped and long names cut, so that a message stays a message.
    static func printable(_ name: String) -> String {
        let head = name.unicodeScalars.prefix(120)
        let text = head.map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? "?" : String($0) }.joined()
        return head.count < name.unicodeScalars.count ? text + "..." : text
    }
}
