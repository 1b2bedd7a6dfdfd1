import Foundation
import Graphs
import Testing

@testable import ModelFiles

/// Every spoiled folder gives an error that names the file and what is wrong, and never a crash.
@Suite struct HostileFileTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        /// What the message must contain.
        let says: [String]
        let spoil: @Sendable (inout TemporaryModel) -> Void
        var testDescription: String { name }

        init(_ name: String, says: String..., spoil: @escaping @Sendable (inout TemporaryModel) -> Void) {
            self.name = name
            self.says = says
            self.spoil = spoil
        }
    }

    static let q = "model.layers.0.self_attn.q_proj.weight"
    static let lm = "lm_head.weight"

    static let cases: [Case] = [
        Case("empty file", says: "model.safetensors", "too few") { $0.keep = 0 },
        Case("five bytes", says: "model.safetensors", "too few") { $0.keep = 5 },
        Case("truncated header", says: "announces a header") { $0.keep = 100 },
        Case("truncated data", says: "offsets outside") { model in model.keep = 2500 },
        Case("header of 2^60 bytes", says: "\(1 << 60)") { $0.headerLength = 1 << 60 },
        Case("header of 2^64 - 1 bytes", says: "announces") { $0.headerLength = .max },
        Case("header is not JSON", says: "JSON") { $0.header = "{\"a\": nonsense}" },
        Case("header is a list", says: "not a JSON object") { $0.header = "[]" },
        Case("header nested deeply", says: "too deeply") { $0.header = String(repeating: "[", count: 100_000) },
        Case("header with very many values", says: "too many") {
            $0.header = "[" + String(repeating: "1,", count: 1_100_000) + "1]"
        },
        Case("tensor twice", says: q, "twice") { model in
            let entry = "\"\(q)\":{\"dtype\":\"F32\",\"shape\":[8,8],\"data_offsets\":[0,256]}"
            model.header = "{\(entry),\(entry)}"
        },
        Case("entry is a number", says: "t", "lacks dtype") { $0.header = "{\"t\":1}" },
        Case("negative size", says: "not a list of sizes") {
            $0.header = "{\"t\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}"
        },
        Case("size beyond 64 bits", says: "not a list of sizes") {
            $0.header = "{\"t\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}"
        },
        Case("offsets beyond the end", says: q, "outside") { $0.tensors[q]!.offsets = (0, 1 << 40) },
        Case("offsets reversed", says: q, "outside") { $0.tensors[q]!.offsets = (256, 0) },
        Case("offsets negative", says: q, "outside") { $0.tensors[q]!.offsets = (-4, 252) },
        Case("overlap", says: "overlaps") { $0.tensors[q]!.offsets = (0, 256) },
        Case("overlap by four bytes", says: "overlaps") { $0.tensors[lm]!.offsets = (0, 516) },
        Case("gap", says: "gap") { $0.tensors[lm]!.offsets = (4, 512) },
        Case("product of the shape overflows", says: lm, "shape") { $0.tensors[lm]!.shape = [1 << 33, 1 << 33] },
        Case("shape transposed", says: lm, "shape [8, 16]") { $0.tensors[lm]!.shape = [8, 16] },
        Case("fewer bytes than the shape says", says: lm, "bytes for 128 entries") {
            $0.tensors[lm]!.values.removeLast()
        },
        Case("integers", says: lm, "I32") { $0.tensors[lm]!.type = "I32" },
        Case("unknown type", says: lm, "F8_E4M3") { $0.tensors[lm]!.type = "F8_E4M3" },
        Case("missing tensor", says: q, "missing") { $0.tensors[q] = nil },
        Case("NaN", says: q, "nan", "not finite") { $0.tensors[q]!.values[5] = .nan },
        Case("infinity", says: q, "inf", "not finite") { $0.tensors[q]!.values[63] = -.infinity },
        Case("half NaN", says: q, "nan") { model in
            model.tensors[q]!.type = "BF16"
            model.tensors[q]!.values[0] = .nan
        },
        Case("unknown architecture", says: "config.json", "mamba") { $0.configuration["model_type"] = "mamba" },
        Case("no architecture", says: "no model_type") { $0.configuration["model_type"] = nil },
        Case("10^9 layers", says: "num_hidden_layers") { $0.configuration["num_hidden_layers"] = 1_000_000_000 },
        Case("1000 layers", says: "belong together") { $0.configuration["num_hidden_layers"] = 1000 },
        Case("zero layers", says: "num_hidden_layers") { $0.configuration["num_hidden_layers"] = 0 },
        Case("negative width", says: "hidden_size") { $0.configuration["hidden_size"] = -8 },
        Case("width is a word", says: "hidden_size", "integer") { $0.configuration["hidden_size"] = "8" },
        Case("width is missing", says: "hidden_size", "missing") { $0.configuration["hidden_size"] = nil },
        Case("width is a fraction", says: "hidden_size") { $0.configuration["hidden_size"] = 8.5 },
        Case("heads do not divide the width", says: "hidden_size") { $0.configuration["num_attention_heads"] = 3 },
        Case("heads are no multiple", says: "multiple") { $0.configuration["num_key_value_heads"] = 3 },
        Case("odd head", says: "even") { $0.configuration["head_dim"] = 3 },
        Case("vast vocabulary", says: "vocab_size") { $0.configuration["vocab_size"] = 1 << 40 },
        Case("other vocabulary", says: "shape") { $0.configuration["vocab_size"] = 17 },
        Case("scaled positions", says: "rope_scaling") { $0.configuration["rope_scaling"] = ["type": "linear"] },
        Case("bad theta", says: "rope_theta") { $0.configuration["rope_theta"] = -1 },
        Case("bad epsilon", says: "rms_norm_eps") { $0.configuration["rms_norm_eps"] = "small" },
        Case("other activation", says: "hidden_act") { $0.configuration["hidden_act"] = "relu" },
        Case("bias that is not there", says: "q_proj.bias", "missing") { $0.configuration["attention_bias"] = true },
        Case("sample text of other tokens", says: "calibration.bin", "byte 2") { $0.calibration = [1, 2, 200] },
    ]

    @Test(arguments: cases) func namedError(_ hostile: Case) throws {
        var model = TemporaryModel()
        hostile.spoil(&model)
        try model.withFolder { path in
            do {
                _ = try ModelFolder.read(path)
                Issue.record("was read")
            } catch let error as ModelFileError {
                for part in hostile.says {
                    #expect(error.description.contains(part), "\(error.description)")
                }
                #expect(error.description.count < 1000)
            }
        }
    }

    @Test func truncationAnywhere() throws {
        try TemporaryModel().withFolder { path in
            let file = URL(fileURLWithPath: path + "/model.safetensors")
            let whole = try Data(contentsOf: file)
            for size in stride(from: 0, to: whole.count, by: 41) {
                try whole.prefix(size).write(to: file)
                #expect(throws: ModelFileError.self) { try ModelFolder.read(path) }
            }
            // Any byte of the header spoiled: an error or a model, nothing else.
            for position in stride(from: 0, to: 1200, by: 3) {
                var spoiled = whole
                spoiled[position] ^= 0x15
                try spoiled.write(to: file)
                do { _ = try ModelFolder.read(path) } catch is ModelFileError {}
            }
        }
    }

    @Test func brokenConfigurations() throws {
        try TemporaryModel().withFolder { path in
            let file = URL(fileURLWithPath: path + "/config.json")
            for text in [
                "", "{", "[]", "null", "{\"model_type\":\"llama\",\"model_type\":\"llama\"}", "{\"a\":\"\\ud800\"}",
                "{\"a\":1e}",
            ] {
                try Data(text.utf8).write(to: file)
                #expect(throws: ModelFileError.self) { try ModelFolder.read(path) }
            }
        }
        #expect(throws: ModelFileError.self) { try ModelFolder.read("/nonexistent/folder") }
    }

    @Test func foldersAndPipesAreNotFiles() throws {
        try TemporaryModel().withFolder { path in
            let file = path + "/model.safetensors"
            try FileManager.default.removeItem(atPath: file)
            #expect(mkfifo(file, 0o600) == 0)
            #expect(throws: ModelFileError.self) { try ModelFolder.read(path) }
            try FileManager.default.removeItem(atPath: file)
            try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
            #expect(throws: ModelFileError.self) { try ModelFolder.read(path) }
        }
    }

    @Test func jsonText() throws {
        func parse(_ text: String) throws -> JSON { try Array(text.utf8).withUnsafeBytes { try JSON.parse($0) } }
        #expect(try parse("\"a\\u00e9\\ud83d\\ude00\\n\"").text == "aé😀\n")
        #expect(try parse(" [1, -2.5e3, true, null] ").elements?.count == 4)
        #expect(try parse("-2.5e3").double == -2500)
        #expect(try parse("9223372036854775808").integer == nil)
        for bad in ["01", "1.", "+1", "\"\u{1}\"", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"\\x\"", "\"abc", "1e999x"] {
            #expect(throws: JSON.Problem.self) { try parse(bad) }
        }
    }
}
