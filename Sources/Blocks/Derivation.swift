import Graphs
import Synchronization
import Tensors

/// Where a tensor that others are made of comes from.
enum Source: Hashable, Sendable {
    /// A node's value by its number, or a weight by its position.
    case given(Int)
    /// A derivation by its position.
    case made(Int)
}

/// Where all sources lie: memory that lives as long as the witness that is being made.
struct Places {
    let given: UnsafePointer<IntegerPointer>
    let made: UnsafePointer<IntegerPointer>
    /// The graph's output, once it is there.
    var output = 0

    subscript(source: Source) -> IntegerPointer {
        switch source {
        case .given(let i): given[i]
        case .made(let i): made[i]
        }
    }
}

/// An entry that an honest witness does not have.
struct DerivationFault {
    let index: Int
    /// What is out of its range; nil for what is not an integer.
    let value: Int64?
}

/// A tensor of the witness that is made of values, entry by entry: some range of its entries at a time.
///
/// An object, and all that it uses is its own: threads that count references to the same ones wait for each other.
final class Derivation: Sendable {
    enum Rule: Sendable {
        /// The low bits of a form, where `mask` has ones.
        case bits(FormPlan, mask: Int64)
        /// The arguments of a lookup.
        case argument(FormPlan, lookup: Int)
        /// The same, and with them the bits that they leave, a derivation of its own.
        case split(SplitPlan, lookup: Int)
        /// The bits that are made with the arguments of a `split`.
        case limb(of: Source)
        /// `numerator - quotient * denominator`.
        case remainder(RemainderPlan)
        /// 1 where the maximum of each row of a tensor is first found, 0 elsewhere.
        case position(maximum: Source, of: Source, width: Int)
        /// The entry of a node at the graph's output.
        case atOutput(Source)
    }

    let rule: Rule
    let shape: TensorShape
    /// Entries of an honest witness lie in this range.
    let range: ClosedRange<Int64>
    let count: Int

    init(_ rule: Rule, _ shape: TensorShape, _ range: ClosedRange<Int64>) {
        self.rule = rule
        self.shape = shape
        self.range = range
        count = shape.count
    }

    /// What it is made of and, for each, whether row `i` (the index of the first dimension) is made of no other row of it.
    var operands: [(source: Source, byRow: Bool)] {
        switch rule {
        case .bits(let form, _), .argument(let form, _): form.terms.map { ($0.source, $0.byRow) }
        case .split(let plan, _): [(plan.source, true), (.made(plan.limb), true)]
        case .limb(let x): [(x, true)]
        case .remainder(let plan): [(plan.numerator, true), (plan.quotient, true), (plan.denominator, plan.byRow)]
        case .position(let maximum, let x, _): [(maximum, true), (x, true)]
        case .atOutput(let x): [(x, false)]
        }
    }

    /// The lookup whose arguments it is.
    var lookup: Int? {
        switch rule {
        case .argument(_, let lookup), .split(_, let lookup): lookup
        default: nil
        }
    }

    /// How its arguments are made of other tensors, if it is those of a lookup.
    var argumentForm: FormPlan? {
        switch rule {
        case .argument(let form, _): form
        case .split(let plan, _): plan.form
        default: nil
        }
    }

    /// Whether the graph's output has to be known.
    var needsOutput: Bool {
        switch rule {
        case .bits(let form, _), .argument(let form, _): form.isBelowOutput
        case .split, .limb, .remainder, .position: false
        case .atOutput: true
        }
    }

    /// Ranges start at multiples of this.
    private var unit: Int {
        if case .position(_, _, let width) = rule { return max(width, 1) }
        return 1
    }

    /// Entries that a thread makes at a time where there are many.
    private static var grain: Int { 1 << 13 }
    /// Of which so many are in the nearest cache.
    private static var blockSize: Int { 1 << 11 }

    /// Makes a range of entries, on all threads outside of parallel loops. Whatever the values are, it ends; that it returns a fault
    /// means that they are not those of an honest witness.
    func make(_ range: Range<Int>, _ places: Places, into result: IntegerPointer) -> DerivationFault? {
        if range.count <= Derivation.grain || Parallel.freeThreadCount == 1 {
            return makePiece(range, places, result)
        }
        let unit = self.unit
        let first = range.lowerBound
        let faults = Mutex<DerivationFault?>(nil)
        Parallel.forEachChunk(range.count / unit, grain: max(1, Derivation.grain / unit)) { chunk in
            let piece = first + chunk.lowerBound * unit..<first + chunk.upperBound * unit
            guard let fault = makePiece(piece, places, result) else { return }
            faults.withLock { if $0 == nil || $0!.index > fault.index { $0 = fault } }
        }
        return faults.withLock { $0 }
    }

    private func makePiece(_ range: Range<Int>, _ places: Places, _ result: IntegerPointer) -> DerivationFault? {
        switch rule {
        case .bits(let form, let mask):
            if form.isNarrow {
                makeBits(form, Int32(truncatingIfNeeded: mask), range, places, result)
            } else {
                makeBits(form, mask, range, places, result)
            }
        case .argument(let form, _):
            return form.isNarrow
                ? makeChecked(Int32.self, range, result) { form.write($0, places, into: $1) }
                : makeChecked(Int64.self, range, result) { form.write($0, places, into: $1) }
        case .split(let plan, _):
            if !plan.write(range, places, self.range, into: result) {
                return plan.firstOutside(self.range, range, places)
            }
        case .limb: break
        case .remainder(let plan):
            return plan.isNarrow
                ? makeChecked(Int32.self, range, result) {
                    plan.write($0, places, into: $1)
                    return true
                }
                : makeChecked(Int64.self, range, result) {
                    plan.write($0, places, into: $1)
                    return true
                }
        case .position(let maximum, let x, let width):
            var find = FindMaxima(maxima: places[maximum], width: width, range: range, position: result)
            places[x].visit(range.upperBound, &find)
        case .atOutput(let x): result[0] = places[x][places.output]
        }
        return nil
    }

    private func makeBits<A: SmallInteger>(
        _ form: FormPlan, _ mask: A, _ range: Range<Int>, _ places: Places, _ result: IntegerPointer
    ) {
        Derivation.forEachBlock(A.self, range) { block, values in
            _ = form.write(block, places, into: values)
            for i in 0..<block.count { values[i] &= mask }
            result.narrow(values, block)
        }
    }

    /// Makes what `write` does, which says whether it is whole, and looks whether it is in the range.
    private func makeChecked<A: SmallInteger>(
        _: A.Type, _ range: Range<Int>, _ result: IntegerPointer, _ write: (Range<Int>, UnsafeMutablePointer<A>) -> Bool
    ) -> DerivationFault? {
        var fault: DerivationFault?
        Derivation.forEachBlock(A.self, range) { block, values in
            if !write(block, values) && fault == nil { fault = DerivationFault(index: block.lowerBound, value: nil) }
            if fault == nil { fault = firstOutside(values, block) }
            result.narrow(values, block)
        }
        return fault
    }

    /// The first of a block's values that is outside the range.
    private func firstOutside<A: SmallInteger>(_ values: UnsafePointer<A>, _ block: Range<Int>) -> DerivationFault? {
        let (low, high) = (A(clamping: range.lowerBound), A(clamping: range.upperBound))
        // No early end: such loops are not vectorised.
        var outside: A = 0
        for i in 0..<block.count { outside |= (values[i] < low ? 1 : 0) | (values[i] > high ? 1 : 0) }
        if outside == 0 { return nil }
        let first = (0..<block.count).first { !range.contains(Int64(values[$0])) }
        return first.map { DerivationFault(index: block.lowerBound + $0, value: Int64(values[$0])) }
    }

    private static func forEachBlock<A: SmallInteger>(
        _: A.Type, _ range: Range<Int>, _ body: (Range<Int>, UnsafeMutablePointer<A>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: A.self, capacity: min(range.count, blockSize)) { values in
            guard let values = values.baseAddress else { return }
            for first in stride(from: range.lowerBound, to: range.upperBound, by: blockSize) {
                body(first..<min(first + blockSize, range.upperBound), values)
            }
        }
    }
}

/// A linear form of sources, evaluated range by range.
struct FormPlan: Sendable {
    struct Term: Sendable {
        let source: Source
        let coefficient: Int64
        let rows: BroadcastRows
        /// Whether the source has the form's shape.
        let isWhole: Bool
        /// Whether row `i` of the form has to do with row `i` of the source alone.
        let byRow: Bool
    }
    let terms: [Term]
    let constant: Int64
    let shift: Int
    /// Subtract 1 at the indices below the output.
    let isBelowOutput: Bool
    /// Whether it is a tensor, but for its constant.
    let isPlain: Bool
    /// Whether 32 bits hold all that is added up, as long as tensors are in their ranges.
    let isNarrow: Bool

    init(_ form: LinearForm, _ shape: TensorShape, _ layout: ProofLayout, _ source: (Oracle) -> Source) {
        terms = form.terms.map {
            let axes = $0.axes ?? Array(shape.dimensions.indices)
            precondition(layout.shape($0.oracle).count == axes.reduce(1) { $0 * shape.dimensions[$1] })
            return Term(
                source: source($0.oracle), coefficient: $0.coefficient, rows: BroadcastRows(shape, axes: [axes]),
                isWhole: $0.axes == nil, byRow: shape.dimensions.isEmpty || axes.first == 0)
        }
        constant = form.constant
        shift = form.shift
        isBelowOutput = form.belowOutput
        isPlain =
            form.terms.count == 1 && form.terms[0].coefficient == 1 && form.terms[0].axes == nil && form.shift == 0
            && !form.belowOutput
        var most = Double(form.constant.magnitude) + 1
        for term in form.terms {
            let range = try? layout.provedRange(term.oracle)
            most += Double(term.coefficient.magnitude) * (range.map { Double(Interval.magnitude($0)) } ?? .infinity)
        }
        isNarrow = most < 0x1p31 && shift < 31
    }

    /// Writes the entries of a range; whether their division by 2^shift, which floors, was exact: it is for an honest witness.
    /// In 32 bits only where the plan says that they suffice.
    func write<A: SmallInteger>(_ range: Range<Int>, _ places: Places, into out: UnsafeMutablePointer<A>) -> Bool {
        out.update(repeating: A(truncatingIfNeeded: constant), count: range.count)
        terms.withUnsafeBufferPointer { terms in
            for k in terms.indices {
                var sum = AddBroadcast(
                    range: range, rows: terms[k].rows, operand: 0,
                    coefficient: A(truncatingIfNeeded: terms[k].coefficient), out: out)
                places[terms[k].source].visit(range.upperBound, &sum)
            }
        }
        if isBelowOutput {
            for i in 0..<max(0, min(range.upperBound, places.output) - range.lowerBound) { out[i] &-= 1 }
        }
        guard shift > 0 else { return true }
        let bits = A(truncatingIfNeeded: shift)
        let mask = (1 as A) &<< bits &- 1
        var rest: A = 0
        for i in 0..<range.count {
            rest |= out[i] & mask
            out[i] = out[i] &>> bits
        }
        return rest == 0
    }
}

/// Arguments `floor((x + addend) / 2^shift) + offset` in 32 bits, and with them the bits that they leave.
struct SplitPlan: Sendable {
    let source: Source
    /// The derivation of the bits.
    let limb: Int
    let addend: Int32
    let shift: Int
    let offset: Int32
    /// The arguments made of x and the bits, for provers whose bits are others.
    let form: FormPlan

    /// Nil unless `form` is `(x + constant - limb) / 2^shift` where `limb` is `limbForm mod 2^shift`, and that is x and a constant.
    init?(_ form: FormPlan, limb: Int, _ limbForm: FormPlan, mask: Int64) {
        guard limbForm.isPlain, limbForm.isNarrow, form.isNarrow, !form.isBelowOutput, (0...30).contains(form.shift),
            mask == 1 << form.shift - 1, form.terms.count == 2, form.terms.allSatisfy(\.isWhole),
            form.terms.contains(where: { $0.source == limbForm.terms[0].source && $0.coefficient == 1 }),
            form.terms.contains(where: { $0.source == .made(limb) && $0.coefficient == -1 }),
            (form.constant - limbForm.constant) & mask == 0
        else { return nil }
        source = limbForm.terms[0].source
        self.limb = limb
        addend = Int32(limbForm.constant)
        shift = form.shift
        offset = Int32((form.constant - limbForm.constant) >> form.shift)
        self.form = form
    }

    /// Writes a range of arguments and bits; whether all arguments are in `domain`.
    func write(
        _ range: Range<Int>, _ places: Places, _ domain: ClosedRange<Int64>, into arguments: IntegerPointer
    ) -> Bool {
        let start = range.lowerBound
        return (places[source] + start).split(
            count: range.count, addend: addend, shift: shift, offset: offset,
            range: Int32(clamping: domain.lowerBound)...Int32(clamping: domain.upperBound),
            limbs: places.made[limb] + start, quotients: arguments + start)
    }

    /// The first argument of a range that is outside the domain.
    func firstOutside(
        _ domain: ClosedRange<Int64>, _ range: Range<Int>, _ places: Places
    ) -> DerivationFault? {
        let x = places[source]
        return range.lazy
            .map { DerivationFault(index: $0, value: (x[$0] + Int64(addend)) >> Int64(shift) + Int64(offset)) }
            .first { !domain.contains($0.value!) }
    }
}

/// What a division or a square root leaves: `numerator - quotient * denominator`, broadcast to the numerator's shape.
struct RemainderPlan: Sendable {
    let numerator: Source
    let quotient: Source
    let denominator: Source
    /// Of numerator, and of denominator.
    private let rows: BroadcastRows
    /// Whether row `i` has to do with row `i` of the denominator alone.
    let byRow: Bool
    /// Remainders of honest quotients.
    let range: ClosedRange<Int64>
    /// Whether 32 bits hold them and whatever they are made of, so that they can be computed modulo 2^32.
    let isNarrow: Bool

    /// Nil for nodes that leave none.
    init?(_ graph: Graph, _ id: NodeID, _ source: (Oracle) -> Source) {
        let node = graph.nodes[id]
        let all = Array(node.shape.dimensions.indices)
        let operands: (numerator: NodeID, denominator: NodeID, axes: [Int])
        switch node.operation {
        case .divide(let n, let d, let axes):
            operands = (n, d, axes)
            range = 0...max(0, graph.nodes[d].range.upperBound - 1)
        case .squareRoot(let v):
            operands = (v, id, all)
            range = 0...max(0, 2 * node.range.upperBound)
        default: return nil
        }
        numerator = source(.node(operands.numerator))
        quotient = source(.node(id))
        denominator = source(.node(operands.denominator))
        rows = BroadcastRows(node.shape, axes: [all, operands.axes])
        byRow = all.isEmpty || operands.axes.first == 0
        isNarrow = ([range] + [operands.numerator, id, operands.denominator].map { graph.nodes[$0].range })
            .allSatisfy { IntegerBuffer.byteWidth($0) <= 4 }
    }

    func write<A: SmallInteger>(_ range: Range<Int>, _ places: Places, into out: UnsafeMutablePointer<A>) {
        withUnsafeTemporaryAllocation(of: A.self, capacity: range.count) { products in
            guard let products = products.baseAddress else { return }
            products.update(repeating: 0, count: range.count)
            var factors = AddBroadcast(range: range, rows: rows, operand: 1, coefficient: 1, out: products)
            places[denominator].visit(range.upperBound, &factors)
            var multiply = MultiplyBy(range: range, out: products)
            places[quotient].visit(range.upperBound, &multiply)
            out.update(repeating: 0, count: range.count)
            var sum = AddBroadcast(range: range, rows: rows, operand: 0, coefficient: 1, out: out)
            places[numerator].visit(range.upperBound, &sum)
            for i in 0..<range.count { out[i] &-= products[i] }
        }
    }
}

private struct MultiplyBy<A: SmallInteger>: IntegerVisitor {
    let range: Range<Int>
    let out: UnsafeMutablePointer<A>

    func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        let from = elements.baseAddress! + range.lowerBound
        for i in 0..<range.count { out[i] &*= A(truncatingIfNeeded: from[i]) }
    }
}

/// Marks where the maximum of each row, which is given, is first found.
private struct FindMaxima: IntegerVisitor {
    let maxima: IntegerPointer
    let width: Int
    /// Whole rows.
    let range: Range<Int>
    let position: IntegerPointer

    func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
        guard width > 0, case .int8(let position) = position else { return }
        (position + range.lowerBound).update(repeating: 0, count: range.count)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: width) {
            let maximum = maxima[start / width]
            let row = elements.baseAddress! + start
            if let j = (0..<width).first(where: { Int64(row[$0]) == maximum }) { position[start + j] = 1 }
        }
    }
}
