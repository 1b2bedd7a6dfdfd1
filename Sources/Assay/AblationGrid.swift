import Commitments

/// The cells of an ablation: products of axes, united.
///
/// A product is text such as `field=m31,goldilocks code=orion,fri rate=1/2,1/4 security=80,100`. Axes: `field`, `code` (the
/// commitment), or `backend` in place of these two; `hash`; `security`; and every `CommitmentOptions.Key`, where `auto`
/// leaves the choice to the commitment. Without `field` or `code` all of them are meant, without `hash` BLAKE3, without a
/// parameter `auto`.
public struct AblationGrid: Hashable, Sendable {
    public struct Cell: Hashable, Sendable {
        /// As `Backend.name` has it.
        public let backend: String
        public let securityBits: Int

        public init(backend: String, securityBits: Int) {
            self.backend = backend
            self.securityBits = securityBits
        }
    }

    /// Each cell once.
    public private(set) var cells: [Cell] = []
    /// What was left out of the products, and why.
    public private(set) var notes: [String] = []

    /// A cell for each backend.
    public init(backends: [String], securityBits: Int) {
        for name in backends { add(Cell(backend: name, securityBits: securityBits)) }
    }

    /// - Parameters:
    ///   - products: each as above; axes are separated by spaces or semicolons.
    ///   - securityBits: the level of products without an axis for it; nil for 100.
    /// - Throws: `AssayError` for what is no axis, has no values, or has values that no backend takes.
    public init(_ products: [String], securityBits: Int?) throws {
        for product in products { try add(product, securityBits) }
        guard !cells.isEmpty else {
            throw AssayError(.usage, "--grid leaves no cell: " + list(notes))
        }
    }

    private mutating func add(_ cell: Cell) {
        if known.insert(cell).inserted { cells.append(cell) }
    }
    private var known: Set<Cell> = []

    private static let axes =
        ["field", "code", "backend", "hash", "security"] + CommitmentOptions.Key.allCases.map(\.rawValue)

    private static func parse(_ product: String) throws -> [String: [String]] {
        var axes: [String: [String]] = [:]
        for part in product.split(whereSeparator: { $0 == " " || $0 == ";" || $0.isNewline }) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2, Self.axes.contains(sides[0]) else {
                throw AssayError(
                    .usage,
                    "--grid: '\(part)' is no axis; give AXIS=VALUE,VALUE with one of \(list(Self.axes))")
            }
            let values = sides[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard values.allSatisfy({ !$0.isEmpty }) else {
                throw AssayError(.usage, "--grid: the axis '\(sides[0])' has an empty value")
            }
            guard axes.updateValue(values, forKey: sides[0]) == nil else {
                throw AssayError(
                    .usage, "--grid: the axis '\(sides[0])' is there twice; repeat --grid for another product")
            }
        }
        return axes
    }

    private mutating func add(_ product: String, _ securityBits: Int?) throws {
        let axes = try Self.parse(product)
        guard !axes.isEmpty else {
            throw AssayError(.usage, "--grid: no axis; give AXIS=VALUE,VALUE with one of \(list(Self.axes))")
        }
        let levels = try levels(axes["security"], securityBits)
        let parameters = try CommitmentOptions.Key.allCases.compactMap { key in
            try axes[key.rawValue].map { (key: key, values: try Self.check($0, of: key)) }
        }
        let hashes = axes["hash"] ?? ["blake3"]
        let bases = try bases(axes)
        for hash in hashes {
            // A hash may be for one field only.
            let lacking = bases.filter { (try? Backends.named("\($0)/\(hash)")) == nil }
            if lacking.count == bases.count { _ = try Backends.named("\(bases[0])/\(hash)") }
            if !lacking.isEmpty {
                note("left out: \(list(lacking)) with the hash \(hash), which is not for that field")
            }
        }
        for axis in parameters {
            let lacking = try bases.filter { try !Backends.named($0).parameters.contains(axis.key) }
            if lacking.count == bases.count {
                throw AssayError(.usage, "--grid: \(list(bases)): no parameter '\(axis.key.rawValue)' there")
            }
            if !lacking.isEmpty { note("\(list(lacking)): no parameter '\(axis.key.rawValue)', so once without it") }
        }
        for base in bases {
            for hash in hashes {
                guard let plain = try? Backends.named("\(base)/\(hash)") else { continue }
                var texts = [[String]()]
                for (key, values) in parameters where plain.parameters.contains(key) {
                    texts = texts.flatMap { text in
                        values.map { $0 == "auto" ? text : text + ["\(key.rawValue)=\($0)"] }
                    }
                }
                for text in texts {
                    let name = try Backends.named(([plain.name] + text).joined(separator: ":")).name
                    for bits in levels { add(Cell(backend: name, securityBits: bits)) }
                }
            }
        }
    }

    private func levels(_ values: [String]?, _ securityBits: Int?) throws -> [Int] {
        guard let values else { return [securityBits ?? 100] }
        guard securityBits == nil else {
            throw AssayError(.usage, "give --security or the axis 'security', not both")
        }
        return try values.map { text in
            guard let bits = Int(text), (1...256).contains(bits) else {
                throw AssayError(.usage, "--grid: security takes numbers from 1 to 256, not '\(text)'")
            }
            return bits
        }
    }

    private static func check(_ values: [String], of key: CommitmentOptions.Key) throws -> [String] {
        for value in values where value != "auto" && CommitmentOptions("\(key.rawValue)=\(value)") == nil {
            throw AssayError(
                .usage,
                "--grid: '\(value)' is no value of '\(key.rawValue)'; rate takes 1/2 to 1/16, columns, arity and cap powers of two, "
                    + "grinding and queries numbers, switch on or off, and each takes auto")
        }
        return values
    }

    /// Fields with commitments.
    private mutating func bases(_ axes: [String: [String]]) throws -> [String] {
        if let backends = axes["backend"] {
            guard axes["field"] == nil && axes["code"] == nil else {
                throw AssayError(.usage, "--grid: the axis 'backend' stands in place of 'field' and 'code'")
            }
            for name in backends where name != "all" && !Backends.names.contains(name) {
                throw AssayError(
                    .usage,
                    "--grid: unknown backend '\(name)'; this build has \(list(Backends.names)) (hash and "
                        + "parameters are axes of their own)")
            }
            return backends.flatMap { $0 == "all" ? Backends.names : [$0] }
        }
        func values(_ axis: String, _ part: Int) throws -> [String] {
            var known: [String] = []
            for name in Backends.names {
                let value = String(name.split(separator: "/")[part])
                if !known.contains(value) { known.append(value) }
            }
            for value in axes[axis] ?? [] where value != "all" && !known.contains(value) {
                throw AssayError(
                    .usage, "--grid: unknown \(axis) '\(value)'; this build has \(list(known))")
            }
            return (axes[axis] ?? ["all"]).flatMap { $0 == "all" ? known : [$0] }
        }
        let pairs = try values("field", 0).flatMap { field in
            try values("code", 1).map { "\(field)/\($0)" }
        }
        let missing = pairs.filter { !Backends.names.contains($0) }
        // Where all are meant, nobody asked for the missing ones.
        if !missing.isEmpty && (axes["field"] != nil && axes["code"] != nil || missing.count == pairs.count) {
            note("left out: \(list(missing)), which this build does not have")
        }
        guard missing.count < pairs.count else {
            throw AssayError(.usage, "--grid leaves no cell: " + list(notes))
        }
        return pairs.filter { Backends.names.contains($0) }
    }

    private mutating func note(_ text: String) {
        if !notes.contains(text) { notes.append(text) }
    }
}

private func list(_ names: [String]) -> String { names.joined(separator: ", ") }
