import Assay
import Blocks
import Commitments
import Foundation
import Graphs
import ModelFiles
import Tensors
import TestSupport
import Testing
import Transcripts

/// Whole proofs of small trained models under every backend, and of nothing else but what was proved.
@Suite(.serialized) struct EngineTests {
    static func folder(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/models/\(name)").path
    }

    static let llama = try! Session(folder: folder("tiny-llama"))
    static let gpt2 = try! Session(folder: folder("tiny-gpt2"))
    static let tokens = Array("In the beginning".utf8).map(Int.init)

    struct Made {
        let backend: any Backend
        let key: ProvingKey
        let result: ProofResult
    }

    static func make(_ name: String, _ session: Session, tokens: [Int] = tokens, security: Int = 100) throws -> Made {
        let backend = try Backends.named(name)
        let key = try backend.setup(session.quantised, securityBits: security) { _ in }
        return Made(backend: backend, key: key, result: try backend.prove(key, tokens: tokens) { _ in })
    }

    /// A small convolutional network, through keys as bytes like any other model.
    @Test(arguments: ["m31/orion", "goldilocks/orion", "bn254/raw"]) func convolutional(_ name: String) throws {
        let program = Program.convolutional(
            .init(
                name: "small", height: 6, width: 4, colours: 11, channels: 3,
                layers: [
                    .convolution(outputs: 5, shift: 9), .maximumPool, .convolution(outputs: 4, shift: 9),
                    .dense(outputs: 7, shift: 9), .logits(classes: 3),
                ]))
        var state: UInt64 = 5
        func random(_ bound: Int) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return Int64(state >> 33) % Int64(bound)
        }
        var weights: [String: IntegerTensor] = [:]
        for node in try program.weightNodes() {
            let values = (0..<node.shape.count).map { _ in random(255) - 127 }
            weights[node.name] = IntegerTensor(shape: node.shape, range: node.range, values: values)
        }
        let pixels = (0..<24).map { _ in Int(random(11)) }
        let backend = try Backends.named(name)
        let made = try backend.setup(program, weights: weights, securityBits: 90) { _ in }
        let proved = try backend.prove(made, tokens: pixels) { _ in }
        let key = try VerifyingKey(encoded: made.verifyingKey.encoded)
        #expect(key.program == program)
        #expect(try backend.verify(proved.proof, statement: proved.statement, key: key).budget.wholeBits >= 90)
        for change in 0..<3 {
            var other = proved.statement
            switch change {
            case 0: other.input[7] = (other.input[7] + 1) % 11
            case 1: other.output = (other.output + 1) % 3
            default: other.input.removeLast()
            }
            #expect(throws: VerificationError.self) {
                _ = try backend.verify(proved.proof, statement: other, key: key)
            }
        }
    }

    /// Setup and proof are the same bytes on any number of threads.
    @Test(arguments: ["m31/orion", "goldilocks/orion-expander", "bn254/kzg"]) func threads(_ name: String) throws {
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        var one: Made?
        for count in [1, 2, 3] {
            Parallel.threadCount = count
            let made = try Self.make(name, Self.llama)
            #expect(made.result.proof == (one ?? made).result.proof, "\(count) threads")
            #expect(made.key.verifyingKey.encoded == (one ?? made).key.verifyingKey.encoded, "\(count) threads")
            one = one ?? made
        }
    }

    /// Plans of networks from strangers: an error, no trap and no memory without bound.
    @Test func hostileNetworks() throws {
        let good = ConvolutionalPlan.vgg16()
        #expect(try good.graph().weights.reduce(0) { try $0 + good.graph().nodes[$1].shape.count } == 15_240_640)
        let changes: [(inout ConvolutionalPlan) -> Void] = [
            { $0.height = 0 }, { $0.height = .max }, { $0.width = 3 }, { $0.width = -4 }, { $0.colours = 0 },
            { $0.channels = 1 << 40 }, { $0.layers = [] }, { $0.layers.removeLast() },
            { $0.layers[0] = .convolution(outputs: .max, shift: 9) },
            { $0.layers[0] = .convolution(outputs: 64, shift: 0) },
            { $0.layers[0] = .convolution(outputs: 64, shift: .max) },
            { $0.layers[0] = .logits(classes: 1 << 50) }, { $0.layers[0] = .dense(outputs: 5, shift: 1) },
            {
                $0.layers =
                    .init(repeating: .convolution(outputs: 65536, shift: 32), count: 1000) + [.logits(classes: 2)]
            },
            { $0.layers = .init(repeating: .maximumPool, count: 6) + [.logits(classes: 2)] },
        ]
        for (i, change) in changes.enumerated() {
            var plan = good
            change(&plan)
            #expect(throws: GraphError.self, "change \(i)") { _ = try plan.graph() }
        }
    }

    @Test(arguments: Backends.names) func proves(_ name: String) throws {
        for session in [Self.llama, Self.gpt2] {
            let made = try Self.make(name, session)
            // The verifier has the key as bytes, and the proof and statement as files.
            let key = try VerifyingKey(encoded: made.key.verifyingKey.encoded)
            let statement = try Statement(json: made.result.statement.canonicalJSON())
            let report = try made.backend.verify(made.result.proof, statement: statement, key: key)
            #expect(report.budget.wholeBits >= 100)
            #expect(try session.next(after: Self.tokens) == statement.output)

            // Nothing else is shown by this proof.
            func rejected(_ change: (inout Statement) -> Void) throws {
                var other = statement
                change(&other)
                #expect(throws: VerificationError.self, "\(name): \(other)") {
                    _ = try made.backend.verify(made.result.proof, statement: other, key: key)
                }
            }
            try rejected { $0.output = ($0.output + 1) % 256 }
            try rejected { $0.output = 256 }
            try rejected { $0.output = -1 }
            try rejected { $0.input[3] = ($0.input[3] + 1) % 256 }
            try rejected { $0.input.removeLast() }
            try rejected { $0.input.append(32) }
            try rejected { $0.input = [] }
            try rejected { $0.input[0] = 1 << 40 }
            try rejected { $0.input[0] = -1 }
            try rejected { $0.securityBits = 128 }
            try rejected { $0.backend = "m31/orion/sha256" }
            try rejected { $0.modelDigest = String($0.modelDigest.reversed()) }
            try rejected { $0.version = Statement.currentVersion - 1 }
        }
    }

    /// Hashes are chosen by name, and the proof of one is none under another.
    @Test(arguments: [
        ("m31/orion/keccak256", 999), ("m31/orion/poseidon2", 123), ("goldilocks/orion/poseidon2", 127),
        ("bn254/kzg/poseidon2", 100),
    ])
    func hashes(_ name: String, limit: Int) throws {
        let made = try Self.make(name, Self.llama)
        #expect(made.backend.name == name && made.result.statement.backend == name)
        let key = try VerifyingKey(encoded: made.key.verifyingKey.encoded)
        let (proof, statement) = (made.result.proof, made.result.statement)
        let report = try made.backend.verify(proof, statement: statement, key: key)
        #expect(try Self.llama.next(after: Self.tokens) == statement.output)
        #expect(report.budget.wholeBits >= 100)
        #expect(SoundnessBudget(assumptions: report.budget.assumptions).wholeBits == limit)
        // What the hash rests on is said where it is less than usual.
        let isPoseidon2 = name.hasSuffix("poseidon2")
        #expect(report.budget.assumptions.contains { $0.text.hasPrefix("poseidon2") } == isPoseidon2)
        #expect(try made.backend.assumptions(key).contains { $0.hasPrefix("poseidon2") } == isPoseidon2)
        var changed = proof
        changed[changed.count / 3] ^= 1
        #expect(throws: VerificationError.self) {
            _ = try made.backend.verify(changed, statement: statement, key: key)
        }
        let other = try VerifyingKey(
            backend: String(name[..<name.lastIndex(of: "/")!]), securityBits: key.securityBits, program: key.program,
            publicParameters: key.publicParameters, weightCommitment: key.weightCommitment, rangeProof: key.rangeProof)
        var renamed = statement
        renamed.backend = other.backend
        renamed.modelDigest = other.digest.description
        #expect(throws: VerificationError.self) {
            _ = try Backends.named(other.backend).verify(proof, statement: renamed, key: other)
        }
    }

    @Test func collisionsLimitTheLevel() throws {
        #expect(throws: CommitmentError.unreachableSecurity(scheme: "raw", requested: 124, nearest: 123)) {
            _ = try Self.make("m31/raw/poseidon2", Self.llama, security: 124)
        }
        #expect(throws: AssayError.self) { _ = try Backends.named("m31/orion/poseidon2-m31") }
        #expect(throws: AssayError.self) { _ = try Backends.named("bn254/orion/poseidon") }
    }

    /// The model that comes with the source, at the length that the README's table has, on every backend: one output.
    @Test(arguments: Backends.names) func bundledModel(_ name: String) throws {
        let made = try Self.make(name, Self.bundled, tokens: Self.bundledPrompt)
        let key = made.key.verifyingKey
        let report = try made.backend.verify(made.result.proof, statement: made.result.statement, key: key)
        #expect(report.budget.wholeBits >= 100 && report.statement.output == Self.bundledOutput)
    }

    /// What quantisation costs the bundled model, over the first 64 windows of its validation text.
    @Test func bundledLoss() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Models/kjv-llama/validation.bin")
        let bytes = try Data(contentsOf: path).prefix(64 * 64).map { Int($0) }
        let windows = DecoderModel.windows(bytes, size: 64)
        let float = try Self.bundled.model.loss(windows)
        let integer = try Self.bundled.quantised.loss(windows)
        print("bundled model, 64 windows: float \(float), integer \(integer) nats a byte")
        #expect(abs(integer - float) < 0.03)
    }

    static let bundled = try! Session(
        folder: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Models/kjv-llama").path)
    static let bundledPrompt = Array("And it came to pass in the days of the king, that the people of ".utf8).map(
        Int.init)
    static let bundledOutput = try! bundled.next(after: bundledPrompt)

    @Test(arguments: ["m31/orion/sha256", "goldilocks/orion-expander/sha256"]) func otherHash(_ name: String) throws {
        let made = try Self.make(name, Self.llama)
        _ = try made.backend.verify(made.result.proof, statement: made.result.statement, key: made.key.verifyingKey)
    }

    /// A prover knows what a verifier will find: where the parts are sound enough each and not together, no proof is made.
    @Test(arguments: [105, 107, 108, 109, 110, 111, 112]) func proversRefuseWhatVerifiersWould(_ level: Int) throws {
        let made: Made
        do {
            made = try Self.make("m31/orion", Self.llama, security: level)
        } catch is AssayError {
            return
        } catch is CommitmentError {
            return
        }
        _ = try made.backend.verify(made.result.proof, statement: made.result.statement, key: made.key.verifyingKey)
    }

    /// Parameters behind the name: in keys and statements, in one order only.
    @Test(arguments: [
        "m31/fri/sha256:rate=1/8:arity=4:grinding=0", "m31/orion:switch=off", "m31/orion-expander:switch=on:cap=4",
        "bn254/kzg:columns=1024", "goldilocks/fri:columns=4096:queries=300",
    ])
    func parameters(_ name: String) throws {
        let made = try Self.make(name, Self.llama)
        let key = made.key.verifyingKey
        #expect(made.backend.name == key.backend && made.result.statement.backend == key.backend)
        _ = try made.backend.verify(made.result.proof, statement: made.result.statement, key: key)
        // Without the parameters it is another backend, whose key this is not.
        let plain = try Backends.named(String(name.prefix { $0 != ":" }))
        #expect(throws: AssayError.self) {
            _ = try plain.verify(made.result.proof, statement: made.result.statement, key: key)
        }
        #expect(try Backends.named(made.backend.name).name == made.backend.name)
    }

    @Test func parametersThatAreNone() throws {
        #expect(try Backends.named("m31/fri:arity=8:rate=1/2").name == "m31/fri:rate=1/2:arity=8")
        for wrong in [
            "m31/fri:", "m31/fri:rate=3", "m31/fri::rate=1/2", "m31/fri:sha256", "m31:rate=1/2", ":rate=1/2", "",
        ] {
            #expect(throws: AssayError.self, "\(wrong)") { try Backends.named(wrong) }
        }
        // What a scheme does not have, or cannot reach, is refused before anything is committed to.
        for (name, level) in [
            ("m31/raw:rate=1/2", 100), ("bn254/kzg:arity=2", 100), ("m31/fri:columns=64:queries=3", 100),
            ("m31/orion", 128),
            ("goldilocks/fri", 128),
        ] {
            let backend = try Backends.named(name)
            #expect(throws: (any Error).self, "\(name)") {
                _ = try backend.setup(Self.llama.quantised, securityBits: level) { _ in }
            }
        }
    }

    /// A level that the lookups' error misses by some bits, which grinding makes up for: in setup, proving and verifying.
    @Test func lookupGrinding() throws {
        for name in ["m31/orion", "m31/fri/sha256"] {
            let made = try Self.make(name, Self.llama, security: 108)
            let key = try VerifyingKey(encoded: made.key.verifyingKey.encoded)
            let report = try made.backend.verify(made.result.proof, statement: made.result.statement, key: key)
            let lookups = report.budget.components.filter { $0.name.hasSuffix("lookups") }
            #expect(!lookups.isEmpty && lookups.allSatisfy { $0.theorem.contains("grinding") && $0.bits >= 110 })
            #expect(report.budget.wholeBits >= 108)
        }
    }

    @Test(arguments: [1, 2, 3, 31, 64]) func lengths(_ count: Int) throws {
        let tokens = (0..<count).map { ($0 * 37 + 5) % 256 }
        let made = try Self.make("m31/orion", Self.llama, tokens: tokens)
        _ = try made.backend.verify(made.result.proof, statement: made.result.statement, key: made.key.verifyingKey)
    }

    /// A proof verifies under its own key only: not another model's, backend's or hash's.
    @Test func otherKeys() throws {
        let made = try Self.make("m31/orion", Self.llama)
        let others = [
            try Self.make("m31/orion", Self.gpt2).key, try Self.make("m31/orion-expander", Self.llama).key,
            try Self.make("goldilocks/orion", Self.llama).key, try Self.make("m31/orion/sha256", Self.llama).key,
            try Self.make("m31/orion", Self.llama, security: 90).key,
        ]
        for other in others {
            let key = other.verifyingKey
            #expect(throws: (any Error).self) {
                _ = try made.backend.verify(made.result.proof, statement: made.result.statement, key: key)
            }
            // Even with a statement rewritten to fit the key.
            var statement = made.result.statement
            statement.modelDigest = key.digest.description
            statement.backend = key.backend
            statement.securityBits = key.securityBits
            let backend = try Backends.named(key.backend)
            #expect(throws: VerificationError.self) {
                _ = try backend.verify(made.result.proof, statement: statement, key: key)
            }
        }
        // The same model with one weight changed by one has another key.
        var model = Self.llama.quantised
        let name = model.weights.keys.sorted()[0]
        let old = model.weights[name]!
        var values = old.values
        values[0] += values[0] < old.range.upperBound ? 1 : -1
        model.weights[name] = IntegerTensor(shape: old.shape, range: old.range, values: values)
        let changed = try made.backend.setup(model, securityBits: 100) { _ in }
        var statement = made.result.statement
        statement.modelDigest = changed.verifyingKey.digest.description
        #expect(throws: VerificationError.self) {
            _ = try made.backend.verify(made.result.proof, statement: statement, key: changed.verifyingKey)
        }
    }

    /// A weight outside its range is caught by the range proof of the key, even where the prover commits to it.
    @Test(arguments: ["m31/orion", "goldilocks/raw", "bn254/orion"]) func weightOutOfRange(_ name: String) throws {
        let made = try Self.make(name, Self.llama)
        let key = made.key.verifyingKey
        for i in [0, key.rangeProof.count / 3, key.rangeProof.count - 1] {
            var proof = key.rangeProof
            proof[i] ^= 1
            let bad = try VerifyingKey(
                backend: key.backend, securityBits: key.securityBits, program: key.program,
                publicParameters: key.publicParameters, weightCommitment: key.weightCommitment, rangeProof: proof)
            var statement = made.result.statement
            statement.modelDigest = bad.digest.description
            #expect(throws: VerificationError.self) {
                _ = try made.backend.verify(made.result.proof, statement: statement, key: bad)
            }
        }
        // Setup refuses such a model in the first place.
        var model = Self.llama.quantised
        let weight = model.weights.keys.sorted()[0]
        let old = model.weights[weight]!
        let storage = IntegerBuffer(uninitialized: old.shape.count, range: Int64.min...Int64.max)
        for i in 0..<old.shape.count { storage[i] = i == 1 ? old.range.upperBound + 1 : old[i] }
        model.weights[weight] = IntegerTensor(shape: old.shape, range: old.range, storage: storage)
        #expect(throws: AssayError.self) { _ = try made.backend.setup(model, securityBits: 100) { _ in } }
    }

    /// Random byte changes, truncations and extensions. `make fuzz` asks for 10,000 of them.
    @Test(arguments: Backends.names) func fuzz(_ name: String) throws {
        let asked = ProcessInfo.processInfo.environment["ASSAY_FUZZ"].flatMap(Int.init)
        let rounds = name == "m31/orion" ? (asked ?? 300) : (asked ?? 300) / 30
        let made = try Self.make(name, Self.llama, tokens: Array(Self.tokens.prefix(8)))
        let key = made.key.verifyingKey
        var random = SystemRandomNumberGenerator()
        for round in 0..<rounds {
            var proof = made.result.proof
            let what: String
            switch round % 8 {
            case 0:
                let count = Int.random(in: 0..<proof.count, using: &random)
                proof.removeLast(proof.count - count)
                what = "truncated to \(count)"
            case 1:
                let extra = (0..<Int.random(in: 1...64, using: &random)).map { _ in UInt8.random(in: 0...255) }
                proof += extra
                what = "extended by \(extra)"
            case 2:
                let at = Int.random(in: 0..<proof.count, using: &random)
                proof.remove(at: at)
                what = "without byte \(at)"
            case 3:
                // Two messages of one field element change places.
                let (a, b) = (
                    32 + 16 * Int.random(in: 0..<200, using: &random),
                    32 + 16 * Int.random(in: 200..<400, using: &random)
                )
                guard b + 16 <= proof.count, proof[a..<a + 16] != proof[b..<b + 16] else { continue }
                for i in 0..<16 { proof.swapAt(a + i, b + i) }
                what = "with bytes \(a) and \(b) exchanged"
            default:
                let at = Int.random(in: 0..<proof.count, using: &random)
                let flip = UInt8.random(in: 1...255, using: &random)
                proof[at] ^= flip
                what = "byte \(at) ^ \(flip)"
            }
            do {
                _ = try made.backend.verify(proof, statement: made.result.statement, key: key)
                Issue.record("\(name): a proof \(what) was accepted")
            } catch is VerificationError {
            }
        }
    }
}
