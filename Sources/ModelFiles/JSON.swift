/// A JSON value (RFC 8259), as much of it as model files need.
///
/// A parser of our own because a file that names a key twice must be refused (Foundation keeps one of the two without a
/// word), and because depth and the number of values must be bounded before memory is.
enum JSON {
    case null
    case bool(Bool)
    /// The text of the number.
    case number(String)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text)
    }
    var double: Double? {
        guard case .number(let text) = self, let value = Double(text), value.isFinite else { return nil }
        return value
    }
    var boolean: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }
    var text: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }
    var elements: [JSON]? {
        guard case .array(let value) = self else { return nil }
        return value
    }
    var members: [String: JSON]? {
        guard case .object(let value) = self else { return nil }
        return value
    }
    var isNull: Bool {
        if case .null = self { true } else { false }
    }

    struct Problem: Error {
        let message: String
        let offset: Int
    }

    /// Parses one value that fills `bytes`.
    static func parse(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int = 16, maximumValues: Int = 1 << 20) throws
        -> JSON
    {
        var parser = Parser(bytes: bytes, depth: maximumDepth, values: maximumValues)
        parser.skipSpace()
        let value = try parser.value()
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.problem("text after the value") }
        return value
    }

    private struct Parser {
        let bytes: UnsafeRawBufferPointer
        var depth: Int
        var values: Int
        var position = 0

        func problem(_ message: String) -> Problem { Problem(message: message, offset: position) }
        var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func skipSpace() {
            while let c = next, c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09 { position += 1 }
        }

        mutating func take(_ character: Character) -> Bool {
            guard next == character.asciiValue! else { return false }
            position += 1
            return true
        }

        mutating func literal(_ text: String, _ value: JSON) throws -> JSON {
            for c in text.utf8 {
                guard next == c else { throw problem("bad word") }
                position += 1
            }
            return value
        }

        mutating func value() throws -> JSON {
            guard values > 0 else { throw problem("too many values") }
            values -= 1
            guard let c = next else { throw problem("the text ends early") }
            switch c {
            case UInt8(ascii: "{"): return try object()
            case UInt8(ascii: "["): return try array()
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try literal("true", .bool(true))
            case UInt8(ascii: "f"): return try literal("false", .bool(false))
            case UInt8(ascii: "n"): return try literal("null", .null)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
            default: throw problem("unexpected character")
            }
        }

        mutating func object() throws -> JSON {
            guard depth > 0 else { throw problem("nested too deeply") }
            depth -= 1
            defer { depth += 1 }
            position += 1
            var members: [String: JSON] = [:]
            skipSpace()
            if take("}") { return .object(members) }
            while true {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw problem("a key is missing") }
                let key = try string()
                skipSpace()
                guard take(":") else { throw problem("':' is missing") }
                skipSpace()
                let member = try value()
                guard members.updateValue(member, forKey: key) == nil else {
                    throw problem("the key \"\(ModelFileError.printable(key))\" appears twice")
                }
                skipSpace()
                if take("}") { return .object(members) }
                guard take(",") else { throw problem("',' or '}' is missing") }
            }
        }

        mutating func array() throws -> JSON {
            guard depth > 0 else { throw problem("nested too deeply") }
            depth -= 1
            defer { depth += 1 }
            position += 1
            var elements: [JSON] = []
            skipSpace()
            if take("]") { return .array(elements) }
            while true {
                skipSpace()
                elements.append(try value())
                skipSpace()
                if take("]") { return .array(elements) }
                guard take(",") else { throw problem("',' or ']' is missing") }
            }
        }

        mutating func number() throws -> JSON {
            let start = position
            func isDigit(_ c: UInt8?) -> Bool { c.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }
            _ = take("-")
            guard isDigit(next) else { throw problem("bad number") }
            if !take("0") { while isDigit(next) { position += 1 } }
            if take(".") {
                guard isDigit(next) else { throw problem("bad number") }
                while isDigit(next) { position += 1 }
            }
            if take("e") || take("E") {
                if !take("+") { _ = take("-") }
                guard isDigit(next) else { throw problem("bad number") }
                while isDigit(next) { position += 1 }
            }
            guard position - start <= 64 else { throw problem("a number of more than 64 characters") }
            return .number(String(decoding: bytes[start..<position], as: UTF8.self))
        }

        mutating func hexadecimal() throws -> UInt16 {
            var value: UInt16 = 0
            for _ in 0..<4 {
                guard let c = next, let digit = Character(UnicodeScalar(c)).hexDigitValue else {
                    throw problem("bad escape")
                }
                value = value << 4 | UInt16(digit)
                position += 1
            }
            return value
        }

        mutating func string() throws -> String {
            position += 1
            var text: [UInt8] = []
            while let c = next {
                position += 1
                switch c {
                case UInt8(ascii: "\""):
                    guard let string = String(validating: text, as: UTF8.self) else {
                        throw problem("text is not UTF-8")
                    }
                    return string
                case UInt8(ascii: "\\"):
                    guard let escape = next else { throw problem("the text ends early") }
                    position += 1
                    switch escape {
                    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
                    case UInt8(ascii: "b"): text.append(0x08)
                    case UInt8(ascii: "f"): text.append(0x0c)
                    case UInt8(ascii: "n"): text.append(0x0a)
                    case UInt8(ascii: "r"): text.append(0x0d)
                    case UInt8(ascii: "t"): text.append(0x09)
                    case UInt8(ascii: "u"):
                        let first = try hexadecimal()
                        var scalar = UInt32(first)
                        if UTF16.isLeadSurrogate(first) {
                            guard take("\\"), take("u") else { throw problem("half a surrogate pair") }
                            let second = try hexadecimal()
                            guard UTF16.isTrailSurrogate(second) else { throw problem("half a surrogate pair") }
                            scalar = 0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00)
                        }
                        guard let character = UnicodeScalar(scalar) else { throw problem("half a surrogate pair") }
                        text.append(contentsOf: Array(String(Character(character)).utf8))
                    default: throw problem("bad escape")
                    }
                case 0..<0x20: throw problem("a control character in a string")
                default: text.append(c)
                }
            }
            throw problem("the text ends early")
        }
    }
}
