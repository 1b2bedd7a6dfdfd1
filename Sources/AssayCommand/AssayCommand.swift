import ArgumentParser

/// `assay`: proves quantised transformers over several fields and commitments, verifies, compares.
@main
struct AssayTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay",
        abstract: "Proves that a quantised transformer computed a token, over several fields and commitments.",
        discussion: """
            A model is a folder with config.json, model.safetensors and calibration.bin (sample text). Results go to stdout, \
            progress to stderr.

            Exit status: 0 success or accepted; 1 rejected proof, or an ablation with a failed or different row; 64 wrong usage; \
            65 bad input data; 74 input/output error; 130 an ablation that was interrupted.
            """,
        version: "0.1.0",
        subcommands: [
            SetupCommand.self, ProveCommand.self, VerifyCommand.self, AblateCommand.self, InspectCommand.self,
            RunCommand.self, ShapeCommand.self, SRSCommand.self, AblateCellCommand.self,
        ])
}
