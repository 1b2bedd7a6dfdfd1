import Fields
import Graphs
import Multilinears
import Tensors

/// The windows of an image, never committed and never summed over in full: `out(i, j, c, t) = x(s i + u - p, s j + v - p, c)`
/// with t = (u, v), so a claim at (r_i, r_j, r_c, r_t) says
///
///     sum over (y, x) of U(y, x) X(y, x, r_c) = value,   U(y, x) = sum over (u, v) of eq(r_t, (u, v)) A_u(y) B_v(x)
///
/// with `A_u(y) = sum of eq(r_i, i) over i with s i + u - p = y`, and B alike: a sumcheck over the image, after which the
/// verifier evaluates U in time O(size (height + width + size)) (zkCNN, CCS 2021, has the idea for its convolutions).
public enum WindowsBlock<F: ProofField> {
    public typealias E = F.Challenge

    static func windows(
        _ c: BlockContext<F>, _ id: NodeID, _ claims: consuming ClaimList<E>, _ x: NodeID, size: Int, stride: Int,
        padding: Int
    ) throws {
        let node = c.graph.nodes[id]
        let image = c.graph.nodes[x].shape
        let (height, width, channels) = (image.dimensions[0], image.dimensions[1], image.dimensions[2])
        for (point, value) in claims.settle() {
            let parts = node.shape.split(point)
            // One list for each offset in a window: what an image row (column) weighs.
            func shifted(_ part: [E], _ count: Int, _ length: Int) -> [[E]] {
                let eq = Eq<F>.table(part)
                return (0..<size).map { offset in
                    var weights = [E](repeating: .zero, count: length)
                    for i in 0..<count {
                        let at = stride * i + offset - padding
                        if at >= 0 && at < length { weights[at] += eq.pointer[i] }
                    }
                    return weights
                }
            }
            let rows = shifted(parts[0], node.shape.dimensions[0], height)
            let columns = shifted(parts[1], node.shape.dimensions[1], width)
            let taps = Eq<F>.table(parts[3])
            // For each u, the columns' weights with those of the taps: sum over v of eq(r_t, (u, v)) B_v.
            let tapped: [[E]] = (0..<size).map { u in
                (0..<width).map { x in
                    var sum = E.zero
                    for v in 0..<size { sum += taps.pointer[u * size + v] * columns[v][x] }
                    return sum
                }
            }
            let plane = TensorShape([height, width])
            var bound: FoldingTable<F>?
            let (at, left) = try c.channel.product(claim: value, variables: plane.variableCount) {
                let weights = AlignedBuffer<E>(repeating: .zero, count: plane.count)
                for u in 0..<size {
                    for y in 0..<height where !rows[u][y].isZero {
                        F.addScaled(tapped[u], by: rows[u][y], to: weights.pointer + y * width, count: width)
                    }
                }
                let table = Binding<F>.bind(
                    c.tensor(.node(x)), labels: ["y", "x", "c"], free: [.init(name: "c", size: channels)],
                    kept: [.init(name: "y", size: height), .init(name: "x", size: width)],
                    coordinates: ["c": parts[2]])
                bound = table
                return (FoldingTable(weights, dimensions: plane.dimensions), table)
            }
            let entry = try c.channel.exchange("windows", count: 1) { [bound!.final] }[0]
            let own = plane.split(at)
            if !c.channel.isProver {
                let (eqY, eqX) = (Eq<F>.table(own[0]), Eq<F>.table(own[1]))
                var weight = E.zero
                for u in 0..<size {
                    var (row, column) = (E.zero, E.zero)
                    for y in 0..<height { row += rows[u][y] * eqY.pointer[y] }
                    for x in 0..<width { column += tapped[u][x] * eqX.pointer[x] }
                    weight += row * column
                }
                try c.channel.require(
                    weight * entry == left, "windows", "'\(node.name)' is not made of windows of its operand")
            }
            try c.claim(.node(x), at: TensorShape.join([own[0], own[1], parts[2]]), is: entry)
        }
    }
}
