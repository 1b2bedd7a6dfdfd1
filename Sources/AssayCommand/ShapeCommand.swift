import ArgumentParser
import Assay
import Commitments
import Foundation
import Graphs
import Tensors

/// `assay shape NAME`: a network of published sizes with random weights, set up, proved and verified.
struct ShapeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shape",
        abstract: "Proves a network of published sizes with random weights, for comparisons of cost.",
        discussion: """
            vgg16: VGG-16 at 32 x 32 with 15.2 million int8 weights. Transformers of any size come from papers/make_block.py.
            """)

    @Argument(help: "vgg16")
    var name: String

    @Option(help: ArgumentHelp(backendHelp, valueName: "name"))
    var backend = defaultBackend

    @Option(help: ArgumentHelp("Prove so many times in one process, and report the fastest.", valueName: "n"))
    var runs = 1

    @OptionGroup var security: SecurityOption
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if !(1...1000).contains(runs) { throw ValidationError("--runs takes a number from 1 to 1000") }
    }

    struct Report: Encodable {
        let network: String
        let backend: String
        let runs: Int
        let threads: Int
        let weights: Int
        let securityBits: Int
        let setupSeconds: Double
        let proveSeconds: Double
        let verifySeconds: Double
        let phases: [Phase]
        /// What unit costs say, for one core over M31.
        let estimate: CostEstimate
        let estimatedSeconds: Double
        let proofBytes: Int
        let peakMemoryBytes: Int?
        let output: Int
    }

    func run() throws {
        try common.execute { progress in
            let backend = try Backends.named(backend)
            guard name == "vgg16" else { throw AssayError(.usage, "unknown network '\(name)'; there is vgg16") }
            let program = Program.convolutional(.vgg16())
            // Numbers of a fixed generator, so that two runs prove the same.
            var state: UInt64 = 1
            func random(_ bound: UInt64) -> UInt64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (state >> 33) % bound
            }
            var weights: [String: IntegerTensor] = [:]
            for node in try program.weightNodes() {
                let span = UInt64(node.range.upperBound - node.range.lowerBound + 1)
                let tensor = IntegerTensor(uninitialized: node.shape, range: node.range)
                for i in 0..<node.shape.count { tensor.storage[i] = node.range.lowerBound + Int64(random(span)) }
                weights[node.name] = tensor
            }
            let tokens = (0..<program.tokenCounts.lowerBound).map { _ in Int(random(UInt64(program.inputs))) }
            let key = try Measured {
                try backend.setup(
                    program, weights: weights, securityBits: security.level, progress: progress.callback("setup: "))
            }
            let proved = try Measured.fastest(of: runs) {
                try backend.prove(key.value, tokens: tokens, progress: progress.callback())
            }
            progress.begin("verify")
            let verified = try Measured {
                try backend.verify(
                    proved.value.proof, statement: proved.value.statement, key: key.value.verifyingKey)
            }
            let estimate = CostEstimate(try Inspection(program, tokenCount: tokens.count, backend: backend))
            let report = Report(
                network: name, backend: backend.name, runs: runs, threads: Parallel.threadCount,
                weights: weights.values.reduce(0) { $0 + $1.shape.count },
                securityBits: verified.value.budget.wholeBits,
                setupSeconds: key.seconds, proveSeconds: proved.seconds, verifySeconds: verified.seconds,
                phases: proved.value.phases, estimate: estimate, estimatedSeconds: estimate.seconds,
                proofBytes: proved.value.proof.count,
                peakMemoryBytes: Machine.peakMemoryBytes, output: proved.value.statement.output)
            let text = """
                network      \(report.network), \(Output.count(report.weights)) random weights
                backend      \(report.backend), \(report.securityBits) bits, threads: \(report.threads)
                setup        \(Output.seconds(report.setupSeconds)) s
                prove        \(Output.seconds(report.proveSeconds)) s\(runs > 1 ? ", the fastest of \(runs) runs" : "")
                verify       \(Output.seconds(report.verifySeconds)) s
                proof        \(Output.bytes(report.proofBytes))
                peak memory  \(Output.bytes(report.peakMemoryBytes))


                """
            return CommandResult(
                json: report, text: text + Table.phases(report.phases, bytes: true, estimate: estimate))
        }
    }
}
