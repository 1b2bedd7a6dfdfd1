import Foundation
import Graphs
import Testing

@testable import ModelFiles

/// The folders of this repository's models.
enum SampleModels {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let tinyLlama = root.appendingPathComponent("Tests/Fixtures/models/tiny-llama").path
    static let tinyGPT2 = root.appendingPathComponent("Tests/Fixtures/models/tiny-gpt2").path
    static let bundled = root.appendingPathComponent("Models/kjv-llama").path

    static func bytes(_ folder: String, _ file: String) throws -> [Int] {
        try Data(contentsOf: URL(fileURLWithPath: folder + "/" + file)).map(Int.init)
    }
}

/// A model folder under construction: a small valid Llama, whose parts a test may spoil before it is written.
struct TemporaryModel {
    struct Tensor {
        var type = "F32"
        var shape: [Int]
        var values: [Float]
        /// Overrides what is written for `data_offsets`.
        var offsets: (Int, Int)?
    }

    var configuration: [String: Any]
    var tensors: [String: Tensor] = [:]
    /// Overrides the length that the file announces.
    var headerLength: UInt64?
    /// Overrides the header's text.
    var header: String?
    /// Bytes kept of the file.
    var keep: Int?
    var calibration: [UInt8]?

    init() {
        configuration = [
            "model_type": "llama", "hidden_size": 8, "num_attention_heads": 2, "num_key_value_heads": 1,
            "intermediate_size": 12, "num_hidden_layers": 1, "vocab_size": 16, "max_position_embeddings": 8,
            "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": false,
        ]
        var seed: UInt64 = 7
        func tensor(_ shape: [Int]) -> Tensor {
            let values = (0..<shape.reduce(1, *)).map { _ -> Float in
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // Multiples of 1/64: exact in all three types.
                return Float(Int(seed >> 40) % 65 - 32) / 64
            }
            return Tensor(shape: shape, values: values)
        }
        tensors["model.embed_tokens.weight"] = tensor([16, 8])
        tensors["lm_head.weight"] = tensor([16, 8])
        tensors["model.norm.weight"] = tensor([8])
        let layer = "model.layers.0."
        for name in ["input_layernorm", "post_attention_layernorm"] { tensors[layer + name + ".weight"] = tensor([8]) }
        for (name, outputs) in [("q", 8), ("k", 4), ("v", 4), ("o", 8)] {
            tensors[layer + "self_attn.\(name)_proj.weight"] = tensor([outputs, 8])
        }
        tensors[layer + "mlp.gate_proj.weight"] = tensor([12, 8])
        tensors[layer + "mlp.up_proj.weight"] = tensor([12, 8])
        tensors[layer + "mlp.down_proj.weight"] = tensor([8, 12])
    }

    private func safetensors() -> Data {
        var data = Data()
        var entries: [String] = []
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let start = data.count
            for value in tensor.values {
                switch tensor.type {
                case "F16":
                    // Exact for the values used here: sign, exponent and the upper ten bits of the fraction.
                    let bits = value.bitPattern
                    let half: UInt16 =
                        value == 0
                        ? 0
                        : UInt16(bits >> 31) << 15 | UInt16(Int(bits >> 23 & 255) - 127 + 15) << 10
                            | UInt16(bits >> 13 & 1023)
                    withUnsafeBytes(of: half.littleEndian) { data.append(contentsOf: $0) }
                case "BF16":
                    withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian) { data.append(contentsOf: $0) }
                default: withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
                }
            }
            let (low, high) = tensor.offsets ?? (start, data.count)
            entries.append(
                "\"\(name)\":{\"dtype\":\"\(tensor.type)\",\"shape\":\(tensor.shape),\"data_offsets\":[\(low),\(high)]}"
            )
        }
        let text = Data((header ?? "{\"__metadata__\":{\"format\":\"pt\"},\(entries.joined(separator: ","))}").utf8)
        var file = Data()
        withUnsafeBytes(of: (headerLength ?? UInt64(text.count)).littleEndian) { file.append(contentsOf: $0) }
        file.append(text)
        file.append(data)
        return keep.map { file.prefix($0) } ?? file
    }

    /// Writes the folder, calls `body` with its path and removes it.
    func withFolder<R>(_ body: (String) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("assay-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try JSONSerialization.data(withJSONObject: configuration).write(
            to: folder.appendingPathComponent("config.json"))
        try safetensors().write(to: folder.appendingPathComponent("model.safetensors"))
        if let calibration { try Data(calibration).write(to: folder.appendingPathComponent("calibration.bin")) }
        return try body(folder.path)
    }
}
