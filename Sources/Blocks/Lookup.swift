import Fields
import Foundation
import Graphs
import Multilinears
import Tensors
import Transcripts

/// How the error of all lookups together is made as small as it must be (see `LookupBlock.effort`).
public struct LookupEffort: Hashable, Sendable {
    /// How often they are proved, each time with other challenges.
    public let repetitions: Int
    /// Bits of grinding before the challenges are drawn.
    public let grindingBits: Int

    /// Bits that work may make up for; where more are missing, there are more runs.
    static var mostMissing: Int { 16 }
    /// What is added where there is work at all, so that these errors are small beside others: some bits cost next to nothing.
    static var spare: Int { 2 }

    public init(repetitions: Int = 1, grindingBits: Int = 0) {
        precondition(repetitions >= 1 && (0...LookupEffort.mostMissing + LookupEffort.spare).contains(grindingBits))
        self.repetitions = repetitions
        self.grindingBits = grindingBits
    }
}

/// All lookups of a proof as one sum of fractions (LogUp: Haboeck, ePrint 2022/1530; by GKR: ePrint 2023/1283):
///
///     sum over lookups of 1 / (alpha - a - beta b - gamma t)  =  sum over rows of m / (alpha - h - beta y - gamma t)
///
/// with (a, b) the pair looked up, (h, y) a table row, t the table's number and m the row's multiplicity. Read as rational
/// functions of alpha, beta and gamma, the two sides are equal exactly if every pair is a row (and the multiplicities are
/// right, as field elements), as long as no more than p - 1 pairs are looked up. Denominators are linear in the three
/// challenges, so a false identity survives with probability at most (lookups + rows) / |E| (Schwartz-Zippel).
public enum LookupBlock<F: ProofField> {
    public typealias E = F.Challenge

    /// The coordinates of `point` (over `shape`) that belong to `axes`, and those of the other dimensions with their sizes.
    static func restrict(_ shape: TensorShape, _ axes: [Int]?, _ point: [E]) -> (own: [E], rest: E) {
        guard let axes else { return (point, .one) }
        let parts = shape.split(point)
        var ones = E.one
        for (i, part) in parts.enumerated() where !axes.contains(i) {
            ones *= Eq<F>.prefixSum(part, below: shape.dimensions[i])
        }
        return (TensorShape.join(axes.map { parts[$0] }), ones)
    }

    /// What this level takes. A false identity survives with probability at most (lookups + rows) / |E|, which for 100 bits is too
    /// much from 2^21 lookups on over a challenge field of 124 bits. Where few bits are missing, work before the challenges makes
    /// up for them; independent challenges, drawn together, multiply the probability.
    public static func effort(_ layout: ProofLayout, securityBits: Int) -> LookupEffort {
        // Integers only: prover and verifier derive it on different machines.
        let bits = F.challengeBits - TensorShape.bits(layout.fractions.leafCount + 1)
        let wanted = securityBits + 2
        if bits >= wanted { return LookupEffort() }
        if wanted - bits <= LookupEffort.mostMissing {
            return LookupEffort(grindingBits: wanted - bits + LookupEffort.spare)
        }
        return LookupEffort(repetitions: bits > 1 ? (wanted + bits - 1) / bits : 1)
    }

    /// Proves all lookups; what remains are claims on the tensors that they read.
    public static func run(_ c: BlockContext<F>) throws {
        let fractions = c.layout.fractions
        let (repetitions, grindingBits) = (c.lookupEffort.repetitions, c.lookupEffort.grindingBits)
        try c.channel.grind("lookup grinding", bits: grindingBits)
        // All at once: a prover that could choose its messages between two draws would try for one at a time.
        let challenges = c.channel.challenges("lookup", count: 3 * repetitions)
        let n = fractions.variableCount
        let error = Double(fractions.leafCount) * exp2(-Double(F.challengeBits))
        var theorem =
            "(lookups + table rows) / |E|, to the power of the repetitions, Schwartz-Zippel on LogUp's identity: ePrint 2022/1530"
        if grindingBits > 0 { theorem += ", and \(Grinding.theorem(bits: grindingBits))" }
        c.channel.account(
            "lookups", theorem,
            Double(fractions.leafCount) * pow(error, Double(repetitions - 1)) * exp2(-Double(grindingBits)))
        c.channel.account(
            "fraction layers", "3 a round, 2 a layer, over |E|: GKR, ePrint 2023/1283",
            Double(repetitions * (3 * n * (n - 1) / 2 + 2 * n)))
        for i in 0..<repetitions {
            try run(c, alpha: challenges[3 * i], beta: challenges[3 * i + 1], gamma: challenges[3 * i + 2])
        }
    }

    private static func run(_ c: BlockContext<F>, alpha: E, beta: E, gamma: E) throws {
        let layout = c.layout
        let fractions = layout.fractions
        func tag(_ table: TableReference) -> E { gamma * E(Int64(layout.tables.firstIndex(of: table)! + 1)) }

        let leaves: FractionalSum<F>.LeafClaim
        switch c.channel.end {
        case .prover(let transcript):
            leaves = FractionalSum<F>.prove(
                fractions, self.leaves(c.prover!, layout, alpha: alpha, beta: beta, tag: tag), transcript: transcript)
        case .verifier(let transcript):
            leaves = try FractionalSum<F>.verify(fractions, transcript: transcript)
        }

        let list = layout.lookedUp
        let values = try c.channel.exchange("lookup values", count: list.count) {
            let tensors = list.map { c.prover!.witness.tensor($0.oracle, layout) }
            return Parallel.map(list.count, work: { tensors[$0].shape.count }) { k in
                let e = list[k]
                let (own, _) = restrict(e.shape, e.axes, Array(leaves.point[..<e.shape.variableCount]))
                return Evaluation<F>.of(tensors[k], at: own)
            }
        }
        for (e, value) in zip(list, values) {
            let (own, _) = restrict(e.shape, e.axes, Array(leaves.point[..<e.shape.variableCount]))
            try c.claim(e.oracle, at: own, is: value)
        }
        if c.channel.isProver { return }

        // What the leaves must be at the point.
        let known = Dictionary(uniqueKeysWithValues: zip(list, values))
        var numerator = E.zero
        var denominator = E.zero
        for (i, lookup) in layout.lookups.enumerated() {
            let (weight, point) = fractions.restrict(i, leaves.point, field: F.self)
            let ones = Eq<F>.ones(lookup.shape, point)
            var input = E.zero
            for term in lookup.input.terms {
                let (_, rest) = restrict(lookup.shape, term.axes, point)
                let value = known[.init(oracle: layout.resolve(term.oracle), shape: lookup.shape, axes: term.axes)]!
                input += E(term.coefficient) * value * rest
            }
            input += E(lookup.input.constant) * ones
            if lookup.input.belowOutput { input -= Eq<F>.prefixSum(point, below: c.output) }
            if lookup.input.shift > 0 { input *= E(1 << lookup.input.shift).inverse()! }
            var pair = input
            if let output = lookup.output {
                pair += beta * known[.init(oracle: layout.resolve(output), shape: lookup.shape, axes: nil)]!
            }
            numerator += weight * ones
            denominator += weight * ((alpha - tag(lookup.table) - E.one) * ones - pair)
        }
        for (i, table) in layout.tables.enumerated() {
            let (weight, point) = fractions.restrict(layout.lookups.count + i, leaves.point, field: F.self)
            let shape = TensorShape([layout.tableRows(table)])
            let ones = Eq<F>.ones(shape, point)
            let column = layout.multiplicityColumns[i]
            numerator -= weight * known[.init(oracle: .column(column), shape: shape, axes: nil)]!
            var row = Evaluation<F>.of(arguments(layout, table), at: point)
            if case .function(let id) = table { row += beta * Evaluation<F>.of(tableValues(layout, id), at: point) }
            denominator += weight * ((alpha - tag(table) - E.one) * ones - row)
        }
        try c.channel.require(numerator == leaves.numerator, "lookup", "the numerators are not those of the lookups")
        try c.channel.require(
            denominator == leaves.denominatorMinusOne, "lookup", "the denominators are not those of the lookups")
    }

    static func arguments(_ layout: ProofLayout, _ table: TableReference) -> IntegerTensor {
        let rows = layout.tableRows(table)
        let start = layout.tableStart(table)
        let range = start...start + Int64(rows) - 1
        let tensor = IntegerTensor(uninitialized: TensorShape([rows]), range: range)
        func count<T: SmallInteger>(_ buffer: AlignedBuffer<T>) {
            let first = T(start)
            withExtendedLifetime(buffer) {
                for i in 0..<rows { buffer.pointer[i] = first &+ T(truncatingIfNeeded: i) }
            }
        }
        switch tensor.storage {
        case .int8(let b): count(b)
        case .int16(let b): count(b)
        case .int32(let b): count(b)
        case .int64(let b): count(b)
        }
        return tensor
    }

    static func tableValues(_ layout: ProofLayout, _ id: TableID) -> IntegerTensor {
        let table = layout.graph.tables[id]
        return IntegerTensor(
            shape: TensorShape([table.values.count]), range: table.range, storage: .int32(AlignedBuffer(table.values)))
    }

    /// The leaves of all lookups, then of all tables.
    static func leaves(
        _ prover: ProverData, _ layout: ProofLayout, alpha: E, beta: E, tag: (TableReference) -> E
    ) -> [FractionLeaves<F>] {
        var leaves: [FractionLeaves<F>] = []
        for (i, lookup) in layout.lookups.enumerated() {
            leaves.append(
                .reciprocals(
                    .init(
                        constant: alpha - tag(lookup.table) - E(prover.witness.inputConstants[i]),
                        argument: prover.witness.inputs[i], factor: beta,
                        value: lookup.output.map { prover.witness.tensor($0, layout) })))
        }
        return leaves
            + Parallel.map(layout.tables.count, work: { layout.tableRows(layout.tables[$0]) }) { i in
                let table = layout.tables[i]
                var values: IntegerTensor?
                if case .function(let id) = table { values = tableValues(layout, id) }
                return .multiples(
                    prover.witness.columns[layout.multiplicityColumns[i]],
                    .init(
                        constant: alpha - tag(table), argument: arguments(layout, table), factor: beta, value: values))
            }
    }
}
