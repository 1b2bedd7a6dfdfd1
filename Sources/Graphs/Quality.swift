import Tensors

extension QuantisedModel {
    /// The mean cross entropy in nats of each token but the first of its window, given those before it: what `DecoderModel.loss`
    /// measures for the float model. Windows may differ in length; a graph is built for each length.
    public func loss(_ windows: [[Int]]) throws -> Double {
        var interpreters: [Int: (Interpreter, NodeID)] = [:]
        var sum = 0.0
        var predictions = 0
        let vocabulary = plan.shape.vocabulary
        for window in windows {
            if interpreters[window.count] == nil {
                let graph = try plan.graph(tokenCount: window.count, allPositions: true)
                guard let logits = graph.nodes.firstIndex(where: { $0.name == "logits" }) else {
                    throw GraphError("the graph has no logits")
                }
                interpreters[window.count] = (try Interpreter(graph: graph, weights: weights), logits)
            }
            let (interpreter, node) = interpreters[window.count]!
            let logits = try interpreter.run(tokens: window).values[node]
            let row = (0..<logits.shape.count).map { Double(logits[$0]) * plan.logitScale }
            sum += DecoderModel.crossEntropy(window, vocabulary: vocabulary) { row[$0 * vocabulary + $1] }
            predictions += window.count - 1
        }
        return sum / Double(max(1, predictions))
    }
}
