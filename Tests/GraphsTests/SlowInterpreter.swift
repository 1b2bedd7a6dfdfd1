import Graphs
import Tensors

/// The operations again, written for no one's speed: every sum over every label, index by index, in trapping 64-bit arithmetic.
struct SlowInterpreter {
    let graph: Graph
    let weights: [String: IntegerTensor]

    func run(tokens: [Int]) -> [[Int64]] {
        var values: [[Int64]] = []
        for node in graph.nodes { values.append(evaluate(node, tokens, values)) }
        return values
    }

    private func dimensions(_ id: NodeID) -> [Int] { graph.nodes[id].shape.dimensions }

    static func indices(_ dimensions: [Int]) -> [[Int]] {
        var all: [[Int]] = [[]]
        for size in dimensions { all = all.flatMap { head in (0..<size).map { head + [$0] } } }
        return all
    }

    static func flat(_ index: [Int], _ dimensions: [Int]) -> Int {
        var result = 0
        for (i, d) in zip(index, dimensions) { result = result * d + i }
        return result
    }

    static func floorDivide(_ n: Int64, _ d: Int64) -> Int64 {
        precondition(d > 0)
        var quotient = n / d
        while quotient * d > n { quotient -= 1 }
        return quotient
    }

    private func evaluate(_ node: Node, _ tokens: [Int], _ values: [[Int64]]) -> [Int64] {
        let out = node.shape.dimensions
        let all = SlowInterpreter.indices(out)
        let flat = SlowInterpreter.flat
        switch node.operation {
        case .tokens: return tokens.map(Int64.init)
        case .weight(let name): return weights[name]!.values
        case .constant(let entries): return entries.map(Int64.init)
        case .causalMask: return all.map { $0[1] > $0[0] ? 1 : 0 }
        case .embed(let table, let ids):
            return all.map { values[table][flat([Int(values[ids][$0[0]])] + $0.dropFirst(), dimensions(table))] }
        case .contract(let a, let b, let aLabels, let bLabels, let outLabels):
            var sizes: [Character: Int] = [:]
            for (labels, id) in [(aLabels, a), (bLabels, b)] {
                for (label, size) in zip(labels, dimensions(id)) { sizes[label] = size }
            }
            let summed = sizes.keys.filter { !outLabels.contains($0) }
            var result = Array(repeating: Int64(0), count: all.count)
            for index in all {
                var at: [Character: Int] = [:]
                for (label, i) in zip(outLabels, index) { at[label] = i }
                for inner in SlowInterpreter.indices(summed.map { sizes[$0]! }) {
                    for (label, i) in zip(summed, inner) { at[label] = i }
                    result[flat(index, out)] +=
                        values[a][flat(aLabels.map { at[$0]! }, dimensions(a))]
                        * values[b][flat(bLabels.map { at[$0]! }, dimensions(b))]
                }
            }
            return result
        case .combine(let terms, let constant):
            return all.map { index in
                terms.reduce(constant) {
                    $0 + $1.coefficient * values[$1.node][flat($1.axes.map { index[$0] }, dimensions($1.node))]
                }
            }
        case .requantise(let x, let shift, let table):
            return values[x].map { value in
                var step: Int64 = 1
                for _ in 0..<shift { step *= 2 }
                let h = SlowInterpreter.floorDivide(value + step / 2, step)
                guard let table else { return h }
                return Int64(graph.tables[table].values[Int(h - graph.tables[table].lowerBound)])
            }
        case .divide(let n, let d, let axes):
            return all.map { index in
                SlowInterpreter.floorDivide(
                    values[n][flat(index, out)], values[d][flat(axes.map { index[$0] }, dimensions(d))])
            }
        case .squareRoot(let x):
            return values[x].map { value in
                var low: Int64 = 0
                var high: Int64 = 1 << 32
                while high - low > 1 {
                    let middle = (low + high) / 2
                    if middle <= value / middle { low = middle } else { high = middle }
                }
                return low
            }
        case .rowMaximum(let x):
            let width = dimensions(x).last!
            return all.map { index in
                (0..<width).map { values[x][flat(index + [$0], dimensions(x))] }.sorted().last!
            }
        case .slice(let x, let axis, let position):
            return all.map { index in
                var full = index
                full.insert(position, at: axis)
                return values[x][flat(full, dimensions(x))]
            }
        case .reshape(let x):
            return values[x]
        case .windows(let x, let size, let stride, let padding):
            let image = dimensions(x)
            return all.map { index in
                let y = index[0] * stride + index[3] / size - padding
                let column = index[1] * stride + index[3] % size - padding
                guard (0..<image[0]).contains(y), (0..<image[1]).contains(column) else { return 0 }
                return values[x][flat([y, column, index[2]], image)]
            }
        case .argmax(let x):
            let top = values[x].sorted().last!
            return [Int64(values[x].firstIndex(of: top)!)]
        }
    }
}
