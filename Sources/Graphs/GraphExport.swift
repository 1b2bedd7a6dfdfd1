import Foundation
import Tensors

/// A graph with its weights and an input, as JSON that an independent implementation can read
/// (`Experiments/numpy_reference` documents the format and evaluates it).
public func exportJSON(graph: Graph, weights: [String: IntegerTensor], tokens: [Int]) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(
        ExportedGraph(
            tokens: tokens, input: graph.input, output: graph.output,
            tables: graph.tables.map {
                ExportedGraph.Table(name: $0.name, lowerBound: $0.lowerBound, values: base64($0.values))
            },
            nodes: graph.nodes.map(ExportedGraph.Node.init),
            weights: weights.mapValues {
                ExportedGraph.Weight(shape: $0.shape.dimensions, bytes: $0.storage.byteWidth, data: base64($0.storage))
            }))
}

private func base64<T: FixedWidthInteger>(_ values: some Sequence<T>) -> String {
    var data = Data()
    for value in values { withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) } }
    return data.base64EncodedString()
}

private func base64(_ storage: IntegerBuffer) -> String {
    switch storage {
    case .int8(let b): base64(b.elements)
    case .int16(let b): base64(b.elements)
    case .int32(let b): base64(b.elements)
    case .int64(let b): base64(b.elements)
    }
}

private struct ExportedGraph: Encodable {
    struct Table: Encodable {
        let name: String
        let lowerBound: Int64
        let values: String
    }

    struct Weight: Encodable {
        let shape: [Int]
        let bytes: Int
        let data: String
    }

    struct Node: Encodable {
        let name: String
        let op: String
        let operands: [Int]
        let shape: [Int]
        let range: [Int64]
        var weight: String?
        var values: String?
        var labels: [String]?
        var coefficients: [Int64]?
        var axes: [[Int]]?
        var constant: Int64?
        var shift: Int?
        var table: Int?
        var axis: Int?
        var index: Int?
        var size: Int?
        var stride: Int?
        var padding: Int?

        init(_ node: Graphs.Node) {
            name = node.name
            op = node.operation.kind
            operands = node.operands
            shape = node.shape.dimensions
            range = [node.range.lowerBound, node.range.upperBound]
            switch node.operation {
            case .tokens, .embed, .causalMask, .squareRoot, .rowMaximum, .reshape, .argmax: break
            case .weight(let name): weight = name
            case .constant(let entries): values = base64(entries)
            case .contract(_, _, let a, let b, let out): labels = [a, b, out]
            case .combine(let terms, let start):
                coefficients = terms.map(\.coefficient)
                axes = terms.map(\.axes)
                constant = start
            case .requantise(_, let bits, let id):
                shift = bits
                table = id
            case .divide(_, _, let own): axes = [own]
            case .slice(_, let along, let position):
                axis = along
                index = position
            case .windows(_, let width, let step, let border):
                size = width
                stride = step
                padding = border
            }
        }
    }

    var format = "assay-graph-1"
    let tokens: [Int]
    let input: Int
    let output: Int
    let tables: [Table]
    let nodes: [Node]
    let weights: [String: Weight]
}
