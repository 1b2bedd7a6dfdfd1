import ArgumentParser
import Assay
import Foundation

/// `assay ablate-cell`: reads a request (one line of JSON) from stdin, writes a report (one line of JSON) to stdout. For
/// `assay ablate`, which holds stdin open for as long as it lives.
struct AblateCellCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ablate-cell", abstract: "One cell of `assay ablate`, in its own process.", shouldDisplay: false)

    @OptionGroup var common: CommonOptions

    func run() throws {
        guard let line = readLine(),
            let request = try? JSONDecoder().decode(AblationCell.Request.self, from: Data(line.utf8))
        else {
            Output.complain("error: `ablate-cell` is for `assay ablate`; it reads a request from stdin")
            throw ExitCode(Failure.Status.usage.rawValue)
        }
        // Ctrl-C reaches the parent only: where that ends, its end of the pipe closes, and nobody waits for this cell.
        Thread.detachNewThread {
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) != 0 {}
            _exit(1)
        }
        var options = common
        options.threads = request.threads
        try options.execute { progress in
            let report = AblationCell.run(
                request, progress: progress.callback((request.label ?? request.backend) + ": "))
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return CommandResult(json: report, text: String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
        }
    }
}

/// A cell in a process of its own.
enum CellProcess {
    /// Never throws: what goes wrong is in the row. Nil where a signal ended it, see `Interruption`.
    static func run(_ request: AblationCell.Request) -> AblationCell.Report? {
        let measured = Measured { attempt(request) }
        guard Interruption.signal == nil || measured.value.row.error == nil else { return nil }
        var report = measured.value
        report.row.cellSeconds = measured.seconds
        return report
    }

    private static func attempt(_ request: AblationCell.Request) -> AblationCell.Report {
        func failed(_ why: String) -> AblationCell.Report {
            .init(row: .init(backend: request.backend, requestedBits: request.securityBits, error: why))
        }
        guard let executable = Package.executable else { return failed("this program cannot find itself") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = ["ablate-cell"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        // A cell that dies early must not take this process along.
        signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, SIG_DFL) }
        do {
            try process.run()
            let answer = try Interruption.ending(process.processIdentifier) {
                try? input.fileHandleForWriting.write(contentsOf: try JSONEncoder().encode(request) + Data("\n".utf8))
                return try output.fileHandleForReading.readToEnd() ?? Data()
            }
            process.waitUntilExit()
            try? input.fileHandleForWriting.close()
            if process.terminationReason == .uncaughtSignal {
                let number = process.terminationStatus
                return failed(
                    number == SIGKILL
                        ? "the process was killed (out of memory?)" : "the process crashed (signal \(number))")
            }
            guard let report = try? JSONDecoder().decode(AblationCell.Report.self, from: answer) else {
                return failed("the process ended with status \(process.terminationStatus) and no result")
            }
            return report
        } catch {
            return failed("the process could not be run (\(error.localizedDescription))")
        }
    }
}
