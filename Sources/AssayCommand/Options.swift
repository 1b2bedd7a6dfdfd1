import ArgumentParser
import Assay
import Commitments
import Foundation
import Graphs
import Tensors

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Print one JSON object with every figure.")
    var json = false

    @Option(help: ArgumentHelp("Threads to use; all processors unless told.", valueName: "n"))
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads takes a number from 1 to 1024")
        }
    }

    /// Runs a command: its result goes to stdout, an error to stderr (and, with --json, to stdout) and into the exit status.
    func execute(_ body: (ProgressLine) throws -> CommandResult) throws {
        if let threads { Parallel.threadCount = threads }
        let progress = ProgressLine()
        let result: CommandResult
        do {
            defer { progress.finish() }
            result = try body(progress)
        } catch {
            throw report(error)
        }
        do {
            try Output.write(json ? try Output.json(result.json) : result.text)
        } catch {
            throw report(AssayError(.inputOutput, "the result cannot be written (\(error.localizedDescription))"))
        }
        if result.status != 0 { throw ExitCode(result.status) }
    }

    private func report(_ error: any Error) -> ExitCode {
        let failure = Failure(error)
        let rejected = failure.status == .rejected
        Output.complain((rejected ? "rejected: " : "error: ") + failure.message)
        if json {
            struct ErrorReport: Encodable {
                let accepted: Bool?
                let check: String?
                let error: String
                let status: Int32
            }
            let report = ErrorReport(
                accepted: rejected ? false : nil, check: failure.check, error: failure.message,
                status: failure.status.rawValue)
            try? Output.write(try Output.json(report))
        }
        return ExitCode(failure.status.rawValue)
    }
}

/// What a command says when it is done.
struct CommandResult {
    let json: any Encodable
    let text: String
    var status: Int32 = 0
}

/// The input of a model.
struct InputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The prompt, for models whose tokens are bytes.", valueName: "text"))
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "Token ids: a text file (spaces, commas or lines between them), or a JSON array (.json).", valueName: "file"
        ))
    var tokens: String?

    func validate() throws {
        if prompt != nil && tokens != nil { throw ValidationError("give --prompt or --tokens, not both") }
    }

    /// The tokens: those asked for, or the first of the model's `validation.bin`.
    func tokens(_ folder: String, _ model: DecoderShape, room: Int = 0) throws -> [Int] {
        if let prompt { return try Prompt.tokens(text: prompt, model: model) }
        if let tokens { return try Prompt.tokens(file: tokens, model: model) }
        return try Prompt.standard(folder: folder, model: model, room: room)
    }
}

/// The security level.
struct SecurityOption: ParsableArguments {
    @Option(help: ArgumentHelp("Bits of security, by proved bounds (100 unless told).", valueName: "bits"))
    var security: Int?

    var level: Int { security ?? 100 }

    func validate() throws {
        if let security, !(1...256).contains(security) {
            throw ValidationError("--security takes a number from 1 to 256")
        }
    }
}

/// The reference string of commitments with a trusted setup.
struct ReferenceOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Powers of tau for KZG, as snarkjs has them (.ptau); an INSECURE development string unless this or ASSAY_SRS names a file.",
            valueName: "file"))
    var srs: String?

    /// Lets this process and those that it starts use the file.
    func apply() {
        guard let srs else { return }
        setenv("ASSAY_SRS", srs, 1)
        ReferenceSource.ptauPath = srs
    }
}

let backendHelp =
    "Field and commitment: " + Backends.names.joined(separator: ", ")
    + "; /sha256, /keccak256 or /poseidon2 at the end chooses that hash instead of BLAKE3."
let defaultBackend = "m31/orion"

/// Folders that come with the program.
enum Package {
    /// A folder of the package: below the working directory, or beside the build that this program is in.
    static func folder(_ relative: String) throws -> String {
        func isFolder(_ path: String) -> Bool {
            var folder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &folder) && folder.boolValue
        }
        if isFolder(relative) { return relative }
        if var place = executable.map({ URL(fileURLWithPath: $0).deletingLastPathComponent() }) {
            while place.path != "/" {
                let candidate = place.appendingPathComponent(relative).path
                if isFolder(candidate) { return candidate }
                place.deleteLastPathComponent()
            }
        }
        throw AssayError(.inputOutput, "\(relative): no such folder here or above the program; name a model")
    }

    /// The path of this program.
    static var executable: String? {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? Bundle.main.executablePath
    }
}
