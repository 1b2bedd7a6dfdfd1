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
        guard Set(a).count == a.count, Set(b).count == b.count, Set(out).count == out.count else {
            throw fail("a label repeats")
        }
        var sizes: [Character: Int] = [:]
        for (labels, shape) in [(a, aShape), (b, bShape)] {
            for (label, size) in zip(labels, shape.dimensions) {
                if let known = sizes[label], known != size { throw fail("'\(label)' is \(known) and \(size)") }
                sizes[label] = size
            }
        }
        let inA = Set(a)
        let inB = Set(b)
        let inOut = Set(out)
        guard inOut.isSubset(of: inA.union(inB)) else { throw fail("an output label is in no operand") }
        guard inA.symmetricDifference(inB).isSubset(of: inOut) else {
            throw fail("a label of one operand only must be in the output")
        }
        func labels(_ names: [Character]) -> [Label] { names.map { Label(name: $0, size: sizes[$0]!) } }
        batch = labels(out.filter { inA.contains($0) && inB.contains($0) })
        freeA = labels(out.filter { inA.contains($0) && !inB.contains($0) })
        freeB = labels(out.filter { !inA.contains($0) && inB.contains($0) })
        summed = labels(a.filter { inB.contains($0) && !inOut.contains($0) })
        outDimensions = out.map { sizes[$0]! }
    }
}
