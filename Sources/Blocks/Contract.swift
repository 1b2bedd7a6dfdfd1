import Fields
import Graphs
import Multilinears
import Tensors

/// Contractions by one sumcheck over the summed (and batch) indices only (Thaler 2013, section 4): the free indices are
/// bound in the operands by one pass over the integers as stored.
public enum ContractBlock<F: ProofField> {
    public typealias E = F.Challenge

    /// `out[batch, freeA, freeB] = sum over s of a[batch, freeA, s] b[batch, freeB, s]`.
    ///
    /// A claim at (z_batch, z_A, z_B) says: sum over (x, s) of eq(z_batch, x) A(x, s) B(x, s) = value, with A and B the
    /// operands bound at z_A and z_B. Without summed indices this is the elementwise product.
    static func contract(
        _ c: BlockContext<F>, _ id: NodeID, _ claims: consuming ClaimList<E>, _ einsum: Einsum, _ a: NodeID, _ b: NodeID
    ) throws {
        let name = c.graph.nodes[id].name
        let kept = einsum.batch + einsum.summed
        let keptShape = TensorShape(kept.map(\.size))
        let batchShape = TensorShape(einsum.batch.map(\.size))
        for (point, value) in claims.settle() {
            var coordinates: [Character: [E]] = [:]
            for (label, part) in zip(einsum.out, c.graph.nodes[id].shape.split(point)) { coordinates[label] = part }
            let batchPoint = TensorShape.join(einsum.batch.map { coordinates[$0.name]! })
            func bound(_ oracle: NodeID, _ labels: [Character], _ free: [Einsum.Label]) -> FoldingTable<F> {
                Binding<F>.bind(
                    c.tensor(.node(oracle)), labels: labels, free: free, kept: kept, coordinates: coordinates)
            }
            var operands: (FoldingTable<F>, FoldingTable<F>)?
            let tables = {
                var (madeA, madeB): (FoldingTable<F>?, FoldingTable<F>?)
                Parallel.both(
                    work: (c.graph.nodes[a].shape.count, c.graph.nodes[b].shape.count),
                    { madeA = bound(a, einsum.a, einsum.freeA) }, { madeB = bound(b, einsum.b, einsum.freeB) })
                let made = (madeA!, madeB!)
                operands = made
                return made
            }

            let x: [E]
            let left: E
            var weight = E.one
            if einsum.batch.isEmpty {
                (x, left) = try c.channel.product(claim: value, variables: keptShape.variableCount, tables)
            } else if einsum.summed.isEmpty {
                (x, left) = try c.channel.eqProduct(claim: value, at: batchPoint, tables)
            } else {
                (x, left) = try c.channel.tripleProduct(claim: value, variables: keptShape.variableCount) {
                    let (ta, tb) = tables()
                    return (
                        FoldingTable(spread(batchShape, batchPoint, keptShape), dimensions: keptShape.dimensions), ta,
                        tb
                    )
                }
                weight = try weightAt(x, batchShape, batchPoint, keptShape)
            }
            for (label, part) in zip(kept, keptShape.split(x)) { coordinates[label.name] = part }
            let pointA = TensorShape.join(einsum.a.map { coordinates[$0]! })
            let pointB = TensorShape.join(einsum.b.map { coordinates[$0]! })
            // What the sumcheck left of the bound operands is their value at the point: no second pass over a weight.
            let values = try c.channel.exchange("contract", count: 2) { [operands!.0.final, operands!.1.final] }
            try c.channel.require(
                weight * values[0] * values[1] == left, "contract", "'\(name)': the operands do not give the product")
            try c.claim(.node(a), at: pointA, is: values[0])
            try c.claim(.node(b), at: pointB, is: values[1])
        }
    }

    /// eq(z, batch index) for every (batch, summed) index.
    private static func spread(_ batch: TensorShape, _ z: [E], _ kept: TensorShape) -> AlignedBuffer<E> {
        let eq = Eq<F>.table(batch, z)
        let inner = kept.count / batch.count
        let result = AlignedBuffer<E>(uninitialized: kept.count)
        for i in 0..<batch.count { (result.pointer + i * inner).fill(eq.pointer[i], count: inner) }
        return result
    }

    /// The extension of `spread` at a point: over real entries only, like the tables.
    private static func weightAt(_ x: [E], _ batch: TensorShape, _ z: [E], _ kept: TensorShape) throws -> E {
        var product = E.one
        let xs = kept.split(x)
        for (i, (size, part)) in zip(batch.dimensions, batch.split(z)).enumerated() {
            product *= Eq<F>.agreement(part, xs[i], below: size)
        }
        for i in batch.dimensions.count..<kept.dimensions.count {
            product *= Eq<F>.prefixSum(xs[i], below: kept.dimensions[i])
        }
        return product
    }

    /// `out[t, ...] = table[tokens[t], ...]`: a contraction with the public one-hot matrix of the tokens.
    static func embed(
        _ c: BlockContext<F>, _ id: NodeID, _ claims: consuming ClaimList<E>, table: NodeID, tokens: NodeID
    ) throws {
        let shape = c.graph.nodes[table].shape
        let vocabulary = shape.dimensions[0]
        let bits = TensorShape.bits(vocabulary)
        for (point, value) in claims.settle() {
            let parts = c.graph.nodes[id].shape.split(point)
            let rest = TensorShape.join(Array(parts.dropFirst()))
            let eq = Eq<F>.table(parts[0])
            var bound: FoldingTable<F>?
            let (x, left) = try c.channel.product(claim: value, variables: bits) {
                let labels = shape.dimensions.indices.map { Character(UnicodeScalar(UInt8(97 + $0))) }
                let sizes = zip(labels, shape.dimensions).map { Einsum.Label(name: $0, size: $1) }
                var coordinates: [Character: [E]] = [:]
                for (label, part) in zip(labels.dropFirst(), parts.dropFirst()) { coordinates[label] = part }
                let table = Binding<F>.bind(
                    c.tensor(.node(table)), labels: labels, free: Array(sizes.dropFirst()), kept: [sizes[0]],
                    coordinates: coordinates)
                let oneHot = AlignedBuffer<E>(repeating: .zero, count: vocabulary)
                for (t, token) in c.tokens.enumerated() { oneHot.pointer[token] += eq.pointer[t] }
                bound = table
                return (FoldingTable(oneHot, dimensions: [vocabulary]), table)
            }
            let tablePoint = rest + x
            let row = try c.channel.exchange("embed", count: 1) { [bound!.final] }[0]
            if !c.channel.isProver {
                let eqX = Eq<F>.table(x)
                var oneHot = E.zero
                for (t, token) in c.tokens.enumerated() { oneHot += eq.pointer[t] * eqX.pointer[token] }
                try c.channel.require(
                    oneHot * row == left, "embed", "'\(c.graph.nodes[id].name)': not the rows of the tokens")
            }
            try c.claim(.node(table), at: tablePoint, is: row)
        }
    }
}

extension Eq {
    /// The sum over `0 <= i < bound` of `eq(a, i) eq(b, i)`.
    static func agreement(_ a: [E], _ b: [E], below bound: Int) -> E {
        precondition(a.count == b.count)
        if bound == 1 << a.count { return value(a, b) }
        // below[k] = agreement on the lowest k coordinates, all indices.
        var whole = [E.one]
        for k in 0..<a.count { whole.append(whole[k] * (a[k] * b[k] + (E.one - a[k]) * (E.one - b[k]))) }
        var sum = E.zero
        var equal = E.one
        for k in Swift.stride(from: a.count - 1, through: 0, by: -1) {
            let zero = (E.one - a[k]) * (E.one - b[k])
            if bound >> k & 1 == 1 {
                sum += equal * zero * whole[k]
                equal *= a[k] * b[k]
            } else {
                equal *= zero
            }
        }
        return sum
    }
}

/// Binds some dimensions of an integer tensor at points: a weighted sum over those indices.
enum Binding<F: ProofField> {
    typealias E = F.Challenge

    /// The result is indexed by `kept`, in that order, compact. Where nothing is bound it holds the integers.
    static func bind(
        _ tensor: IntegerTensor, labels: [Character], free: [Einsum.Label], kept: [Einsum.Label],
        coordinates: [Character: [E]]
    ) -> FoldingTable<F> {
        let names = (free: free.map(\.name), kept: kept.map(\.name))
        let keptShape = TensorShape(kept.map(\.size))
        if free.isEmpty {
            let ordered = labels == names.kept ? tensor : transpose(tensor, labels, names.kept)
            return FoldingTable(ordered, dimensions: keptShape.dimensions)
        }
        let freeShape = TensorShape(free.map(\.size))
        let weights = Eq<F>.table(freeShape, TensorShape.join(names.free.map { coordinates[$0]! }))
        // Kept dimensions first and in order: inner products along rows. Free ones first: a combination of rows.
        let inColumns = labels == names.kept + names.free
        let matrix =
            inColumns || labels == names.free + names.kept
            ? tensor : transpose(tensor, labels, names.free + names.kept)
        let count = keptShape.count
        var combine = Combine(
            inColumns: inColumns, free: freeShape.count, weights: weights,
            result: inColumns ? AlignedBuffer(uninitialized: count) : AlignedBuffer(repeating: .zero, count: count))
        matrix.storage.visit(&combine)
        return FoldingTable(combine.result, dimensions: keptShape.dimensions)
    }

    private struct Combine: IntegerVisitor {
        let inColumns: Bool
        let free: Int
        let weights: AlignedBuffer<E>
        let result: AlignedBuffer<E>

        mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
            let matrix = elements.baseAddress!
            if inColumns {
                F.combineColumns(
                    matrix, rows: result.count, columns: free, weights: weights.pointer, into: result.pointer)
            } else {
                F.combineRows(
                    matrix, rows: free, columns: result.count, weights: weights.pointer, addTo: result.pointer)
            }
        }
    }

    /// The tensor with its dimensions in another order.
    static func transpose(_ tensor: IntegerTensor, _ labels: [Character], _ order: [Character]) -> IntegerTensor {
        let storage: IntegerBuffer =
            switch tensor.storage {
            case .int8(let b): .int8(transpose(b, tensor.shape, labels, order))
            case .int16(let b): .int16(transpose(b, tensor.shape, labels, order))
            case .int32(let b): .int32(transpose(b, tensor.shape, labels, order))
            case .int64(let b): .int64(transpose(b, tensor.shape, labels, order))
            }
        let sizes = order.map { tensor.shape.dimensions[labels.firstIndex(of: $0)!] }
        return IntegerTensor(shape: TensorShape(sizes), range: tensor.range, storage: storage)
    }

    private static func transpose<T: SmallInteger>(
        _ source: AlignedBuffer<T>, _ shape: TensorShape, _ labels: [Character], _ order: [Character]
    ) -> AlignedBuffer<T> {
        var strides: [Character: Int] = [:]
        var sizes: [Character: Int] = [:]
        var stride = 1
        for (label, size) in zip(labels, shape.dimensions).reversed() {
            strides[label] = stride
            sizes[label] = size
            stride *= size
        }
        let result = AlignedBuffer<T>(uninitialized: source.count)
        let dims = order.map { (size: sizes[$0]!, stride: strides[$0]!) }
        guard let last = dims.last else {
            result.pointer[0] = source.pointer[0]
            return result
        }
        var starts = [0]
        for d in dims.dropLast() { starts = starts.flatMap { s in (0..<d.size).map { s + $0 * d.stride } } }
        let (from, to) = (source.pointer, result.pointer)
        for (k, start) in starts.enumerated() {
            let row = to + k * last.size
            if last.stride == 1 {
                row.update(from: from + start, count: last.size)
            } else {
                for i in 0..<last.size { row[i] = from[start + i * last.stride] }
            }
        }
        return result
    }
}
