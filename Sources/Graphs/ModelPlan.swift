import Tensors

/// The public part of a quantised decoder: everything that `graph(tokenCount:)` needs, in integers, and nothing about the
/// weights but their names, shapes and ranges.
///
/// A plan is part of a verifying key and may come from anywhere: `graph` checks it (`validate`) and throws where it makes no
/// sense. It is deterministic: equal plans give equal graphs.
public struct ModelPlan: Codable, Hashable, Sendable {
    public static let currentVersion = 1

    /// The function of a table, in integers only.
    public enum Rule: Codable, Hashable, Sendable {
        /// h, clamped to -limit...limit.
        case clamp(limit: Int32)
        /// min(limit, round(h^2 / 2^shift)), halves up.
        case square(shift: Int, limit: Int32)
        /// min(limit, round(numerator / (h + 1/2))), halves up; 0 for negative h.
        case reciprocal(numerator: Int64, limit: Int32)
        /// values[h - first]; the first value below `first`, the last one beyond the end.
        case values(first: Int64, values: [Int32])
    }

    public struct Table: Codable, Hashable, Sendable {
        public var name: String
        public var rule: Rule
        public var domain: ClosedRange<Int64>

        public init(name: String, rule: Rule, domain: ClosedRange<Int64>) {
            self.name = name
            self.rule = rule
            self.domain = domain
        }

        public var rowCount: Int { Int(domain.upperBound - domain.lowerBound) + 1 }
    }

    /// A requantisation: the node's name, the bits that it drops, and its table (an index of `tables`), if it has one.
    public struct Site: Codable, Hashable, Sendable {
        public var name: String
        public var shift: Int
        public var table: Int?

        public init(name: String, shift: Int, table: Int?) {
            self.name = name
            self.shift = shift
            self.table = table
        }
    }

    public struct Weight: Codable, Hashable, Sendable {
        public var name: String
        public var shape: [Int]
        public var range: ClosedRange<Int64>

        public init(name: String, shape: [Int], range: ClosedRange<Int64>) {
            self.name = name
            self.shape = shape
            self.range = range
        }
    }

    /// Cosines and sines by position and frequency, in units of 2^-bits.
    public struct RotaryPositions: Codable, Hashable, Sendable {
        public var bits: Int
        public var cosines: [Int32]
        public var sines: [Int32]

        public init(bits: Int, cosines: [Int32], sines: [Int32]) {
            self.bits = bits
            self.cosines = cosines
            self.sines = sines
        }
    }

    public var version = ModelPlan.currentVersion
    /// The quantiser that made the plan, for people.
    public var quantizer: String
    public var shape: DecoderShape
    /// The longest input.
    public var maximumTokens: Int
    /// What each norm (two a layer, and the last) adds to its sum of squares, in the units of that sum.
    public var normEpsilons: [Int64]
    public var rotation: RotaryPositions?
    /// For each layer, twice: by how many bits the output of attention and of the feed-forward layer is coarser than the residual.
    public var residualExponents: [Int]
    public var tables: [Table]
    public var sites: [Site]
    public var weights: [Weight]
    /// A unit of the integer logits in nats; for display and losses only.
    public var logitScale: Double

    public init(
        quantizer: String, shape: DecoderShape, maximumTokens: Int, normEpsilons: [Int64], rotation: RotaryPositions?,
        residualExponents: [Int], tables: [Table], sites: [Site], weights: [Weight], logitScale: Double
    ) {
        self.quantizer = quantizer
        self.shape = shape
        self.maximumTokens = maximumTokens
        self.normEpsilons = normEpsilons
        self.rotation = rotation
        self.residualExponents = residualExponents
        self.tables = tables
        self.sites = sites
        self.weights = weights
        self.logitScale = logitScale
    }

    /// Table rows that a graph may have, all tables together.
    static let rowLimit = 1 << 24
    /// Rows of one table.
    public static let tableRowLimit = 1 << 18

    /// Checks sizes, so that building a graph neither traps nor takes memory without bound. The graph's own consistency is
    /// checked by its construction.
    public func validate() throws {
        func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
            guard condition else { throw GraphError("the model's plan: \(what())") }
        }
        try require(version == ModelPlan.currentVersion, "version \(version) is not \(ModelPlan.currentVersion)")
        if let problem = shape.problem { throw GraphError("the model's plan: \(problem)") }
        try require(
            maximumTokens >= 1 && maximumTokens <= min(shape.positions, 1 << 16),
            "bad maximum of tokens \(maximumTokens)")
        try require(
            normEpsilons.count == 2 * shape.layers + 1 && normEpsilons.allSatisfy { (0...1 << 40).contains($0) },
            "bad epsilons")
        try require(logitScale.isFinite && logitScale > 0, "bad logit scale")
        try require(
            residualExponents.count == 2 * shape.layers && residualExponents.allSatisfy { (0...30).contains($0) },
            "bad residual exponents")
        try require(
            (shape.positionKind == .rotary) == (rotation != nil), "rotary positions do not suit the kind of positions")
        if let rotation {
            let count = maximumTokens * (shape.headWidth / 2)
            try require(rotation.bits >= 0 && rotation.bits <= 24, "bad bits of rotary positions")
            let limit = Int32(1) << Int32(rotation.bits)
            try require(
                count <= 1 << 26 && rotation.cosines.count == count && rotation.sines.count == count
                    && (rotation.cosines + rotation.sines).allSatisfy { $0 >= -limit && $0 <= limit },
                "bad rotary positions")
        }
        try require(tables.count <= 4096 && sites.count <= 1 << 16 && weights.count <= 1 << 16, "too many parts")
        var rows = 0
        for table in tables {
            let (low, high) = (table.domain.lowerBound, table.domain.upperBound)
            try require(
                low >= -(1 << 30) && high <= 1 << 30 && table.rowCount <= ModelPlan.tableRowLimit,
                "table '\(table.name)' has a domain that is too large")
            rows += table.rowCount
            switch table.rule {
            case .clamp(let limit): try require(limit >= 0, "table '\(table.name)': bad limit")
            case .square(let shift, let limit):
                try require(shift >= 0 && shift <= 32 && limit >= 0, "table '\(table.name)': bad shift or limit")
            case .reciprocal(let numerator, let limit):
                try require(
                    numerator >= 0 && numerator <= 1 << 40 && limit >= 0,
                    "table '\(table.name)': bad numerator or limit")
            case .values(let first, let values):
                try require(
                    !values.isEmpty && values.count <= ModelPlan.tableRowLimit && first.magnitude <= 1 << 30,
                    "table '\(table.name)': bad values")
            }
        }
        try require(rows <= ModelPlan.rowLimit, "the tables have \(rows) rows")
        try require(Set(sites.map(\.name)).count == sites.count, "a requantisation appears twice")
        for site in sites {
            try require(
                (0...32).contains(site.shift) && (site.table.map { tables.indices.contains($0) } ?? (site.shift > 0)),
                "requantisation '\(site.name)' has a bad shift or table")
        }
        try require(Set(weights.map(\.name)).count == weights.count, "a weight appears twice")
        var total = 0
        for weight in weights {
            var count = 1
            for size in weight.shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                try require(size >= 1 && !overflow && product <= 1 << 34, "weight '\(weight.name)' has a bad shape")
                count = product
            }
            try require(
                weight.range.lowerBound >= -(1 << 31) && weight.range.upperBound < 1 << 31,
                "weight '\(weight.name)' has a bad range")
            // 2^16 weights of at most 2^34 entries: no overflow.
            total += count
            try require(total <= 1 << 36, "more than 2^36 weights")
        }
    }
}

extension ModelPlan.Rule {
    /// The value at h. Total for every h of a validated table.
    func value(_ h: Int64) -> Int32 {
        switch self {
        case .clamp(let limit): return Int32(max(-Int64(limit), min(Int64(limit), h)))
        case .square(let shift, let limit):
            return Int32(min(Int64(limit), (h * h + (shift == 0 ? 0 : 1 << Int64(shift - 1))) >> Int64(shift)))
        case .reciprocal(let numerator, let limit):
            // round(2N / d) for d = 2h + 1, as floor((4N + d) / 2d).
            let d = 2 * h + 1
            return h < 0 ? 0 : Int32(min(Int64(limit), (4 * numerator + d) / (2 * d)))
        case .values(let first, let values):
            return values[Int(max(0, min(Int64(values.count) - 1, h - first)))]
        }
    }

    /// From this h on the table is 0; nil where it ends in another value.
    var cutoff: Int64? {
        guard case .values(let first, let values) = self, values.last == 0 else { return nil }
        return first + Int64(values.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)
    }
}

extension ModelPlan {
    /// All tables, on all threads.
    func lookupTables() -> [LookupTable] {
        Parallel.map(tables.count, work: { tables[$0].domain.count }) { tables[$0].lookupTable() }
    }
}

extension ModelPlan.Table {
    func lookupTable() -> LookupTable {
        let (first, rule) = (domain.lowerBound, rule)
        let values = [Int32](unsafeUninitializedCapacity: domain.count) { buffer, count in
            let start = buffer.baseAddress!
            Parallel.forEachChunk(buffer.count, grain: 1 << 11) { range in
                for i in range { (start + i).initialize(to: rule.value(first + Int64(i))) }
            }
            count = buffer.count
        }
        return LookupTable(name: name, lowerBound: first, values: values)
    }
}
