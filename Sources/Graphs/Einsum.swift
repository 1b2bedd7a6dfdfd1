import Tensors

/// The labels of a contraction, sorted by kind, with their sizes.
public struct Einsum: Hashable, Sendable {
    public struct Label: Hashable, Sendable {
        public let name: Character
        public let size: Int

        public init(name: Character, size: Int) {
            self.name = name
            self.size = size
        }
    }
    public let a: [Character]
    public let b: [Character]
    public let out: [Character]
    /// In both operands and the output, in output order.
    public let batch: [Label]
    /// In both operands, not in the output, in the order of `a`.
    public let summed: [Label]
    /// In `a` and the output only, in output order.
    public let freeA: [Label]
    /// In `b` and the output only, in output order.
    public let freeB: [Label]
    public let outDimensions: [Int]

    public init(
        name: String, a aLabels: String, _ aShape: TensorShape, b bLabels: String, _ bShape: TensorShape,
        out outLabels: String
    ) throws {
        a = Array(aLabels)
        b = Array(bLabels)
        out = Array(outLabels)
        func fail(_ why: String) -> GraphError {
            GraphError(node: name, "contraction \(aLabels) \(aShape), \(bLabels) \(bShape) -> \(outLabels): \(why)")
        }
        guard a.count == aShape.dimensions.count, b.count == bShape.dimensions.count else {
            throw fail("a label for each dimension is needed")
        }
        // A contraction has a handful of labels: searching them beats hashing them.
        func repeats(_ labels: [Character]) -> Bool {
            labels.indices.contains { labels[..<$0].contains(labels[$0]) }
        }
        guard !repeats(a), !repeats(b), !repeats(out) else { throw fail("a label repeats") }
        let sizesA = zip(a, aShape.dimensions).map { Label(name: $0, size: $1) }
        let sizesB = zip(b, bShape.dimensions).map { Label(name: $0, size: $1) }
        var (batch, summed): ([Label], [Label]) = ([], [])
        var (freeA, freeB): ([Label], [Label]) = ([], [])
        for label in sizesA {
            guard let other = sizesB.first(where: { $0.name == label.name }) else { continue }
            guard other.size == label.size else { throw fail("'\(label.name)' is \(label.size) and \(other.size)") }
            if !out.contains(label.name) { summed.append(label) }
        }
        outDimensions = try out.map { name in
            let inA = sizesA.first { $0.name == name }
            let inB = sizesB.first { $0.name == name }
            switch (inA, inB) {
            case (let label?, .some): batch.append(label)
            case (let label?, nil): freeA.append(label)
            case (nil, let label?): freeB.append(label)
            case (nil, nil): throw fail("an output label is in no operand")
            }
            return (inA ?? inB)!.size
        }
        guard batch.count + freeA.count + summed.count == a.count, batch.count + freeB.count + summed.count == b.count
        else { throw fail("a label of one operand only must be in the output") }
        (self.batch, self.summed, self.freeA, self.freeB) = (batch, summed, freeA, freeB)
    }
}
