import ArgumentParser
import Assay
import Foundation
import Graphs

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the integer model without proving, beside the float model.")

    @Argument(help: "A model folder.")
    var model: String

    @OptionGroup var input: InputOptions

    @Option(
        name: [.customShort("n"), .customLong("count")],
        help: ArgumentHelp("How many tokens to generate.", valueName: "n"))
    var count = 1

    @OptionGroup var common: CommonOptions

    func validate() throws {
        if !(1...1_000_000).contains(count) { throw ValidationError("-n takes a positive number") }
    }

    struct Step: Encodable {
        let token: Int
        /// What the float model would say after the same tokens.
        let floatToken: Int
        let seconds: Double
    }

    struct Report: Encodable {
        let model: String
        let input: [Int]
        let generated: [Int]
        let generatedText: String
        let steps: [Step]
        let agreeing: Int
        let readSeconds: Double
        let quantiseSeconds: Double
        let runSeconds: Double
    }

    func run() throws {
        try common.execute { progress in
            let session = try Session(folder: model, progress: progress.callback())
            let shape = session.model.shape
            let start = try input.tokens(model, shape, room: count - 1)
            let limit = min(shape.positions, session.quantised.plan.maximumTokens)
            guard start.count + count - 1 <= limit else {
                throw AssayError(
                    .badData,
                    "\(start.count) tokens, and \(count - 1) generated ones after them, are too many: the model takes at most \(limit)"
                )
            }
            var tokens = start
            var steps: [Step] = []
            for i in 0..<count {
                progress.begin("token \(i + 1) of \(count)")
                let next = try Measured { try session.next(after: tokens) }
                steps.append(
                    Step(token: next.value, floatToken: try session.floatNext(after: tokens), seconds: next.seconds))
                tokens.append(next.value)
            }
            let generated = steps.map(\.token)
            let report = Report(
                model: session.name, input: start, generated: generated,
                generatedText: TokenText.describe(generated, vocabulary: shape.vocabulary), steps: steps,
                agreeing: steps.filter { $0.token == $0.floatToken }.count, readSeconds: session.readSeconds,
                quantiseSeconds: session.quantiseSeconds, runSeconds: steps.reduce(0) { $0 + $1.seconds })
            return CommandResult(json: report, text: text(report, shape.vocabulary))
        }
    }

    private func text(_ report: Report, _ vocabulary: Int) -> String {
        var table = Table([
            ("position", .right), ("integer", .left), ("float", .left), ("", .left), ("seconds", .right),
        ])
        for (i, step) in report.steps.enumerated() {
            func show(_ token: Int) -> String { "\(TokenText.describe([token], vocabulary: vocabulary)) (\(token))" }
            table.add([
                String(report.input.count + i), show(step.token), show(step.floatToken),
                step.token == step.floatToken ? "same" : "differs", Output.seconds(step.seconds),
            ])
        }
        return """
            after      \(TokenText.describe(report.input, vocabulary: vocabulary)) (\(report.input.count) tokens)
            generated  \(report.generatedText)
            agreeing   \(report.agreeing) of \(report.steps.count) with the float model
            quantise   \(Output.seconds(report.quantiseSeconds)) s


            """ + table.text
    }
}
