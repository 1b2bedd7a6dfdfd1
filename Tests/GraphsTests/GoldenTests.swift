import Foundation
import Graphs
import Tensors
import TestSupport
import Testing

/// The interpreter against NumPy (`Experiments/numpy_reference`), value by value.
@Suite struct Goldens {
    static let names = [
        "dense", "attention", "norm", "rotary", "broadcast", "labels", "lookups", "images", "random-0", "random-1",
        "random-2",
    ]
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Goldens")

    struct Expected: Decodable {
        struct Node: Decodable {
            let name: String
            let values: [Int64]
        }
        let output: Int
        let nodes: [Node]
    }

    @Test(arguments: names) func againstNumPy(name: String) throws {
        let sample = try #require(SampleGraphs.all(seed: 2024, random: 3).first { $0.name == name })
        let exported = try exportJSON(graph: sample.graph, weights: sample.weights, tokens: sample.tokens)
        let graphFile = Goldens.folder.appendingPathComponent("\(name).graph.json")
        if ProcessInfo.processInfo.environment["ASSAY_WRITE_GOLDENS"] != nil { try exported.write(to: graphFile) }
        #expect(try Data(contentsOf: graphFile) == exported, "the sample has changed: see Experiments/numpy_reference")
        let expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: Goldens.folder.appendingPathComponent("\(name).values.json")))
        let run = try Interpreter(graph: sample.graph, weights: sample.weights).run(tokens: sample.tokens)
        #expect(run.output == expected.output)
        #expect(expected.nodes.map(\.name) == sample.graph.nodes.map(\.name))
        for (id, node) in expected.nodes.enumerated() { #expect(run[id].values == node.values, "\(node.name)") }
    }
}
