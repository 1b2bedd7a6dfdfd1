import ArgumentParser
import Assay
import Dispatch
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
    ///
    /// - Parameter timeout: seconds after which the process is killed; nil for no limit.
    static func run(_ request: AblationCell.Request, timeout: Double?) -> AblationCell.Report? {
        let measured = Measured { attempt(request, timeout) }
        guard Interruption.signal == nil || measured.value.row.error == nil else { return nil }
        var report = measured.value
        report.row.cellSeconds = measured.seconds
        return report
    }

    private static func attempt(_ request: AblationCell.Request, _ timeout: Double?) -> AblationCell.Report {
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
            let deadline = timeout.map { Deadline(process, seconds: $0) }
            defer { deadline?.cancel() }
            let answer = try Interruption.ending(process.processIdentifier) {
                try? input.fileHandleForWriting.write(contentsOf: try JSONEncoder().encode(request) + Data("\n".utf8))
                return try output.fileHandleForReading.readToEnd() ?? Data()
            }
            process.waitUntilExit()
            try? input.fileHandleForWriting.close()
            if process.terminationReason == .uncaughtSignal {
                let number = process.terminationStatus
                if let timeout, deadline?.hasPassed == true {
                    return failed(String(format: "took longer than %g s (--cell-timeout)", timeout))
                }
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

/// Kills a process that has not ended in time, even one that is stopped.
private final class Deadline: @unchecked Sendable {
    private let process: Process
    private let timer = DispatchSource.makeTimerSource()
    private let lock = NSLock()
    private var passed = false

    init(_ process: Process, seconds: Double) {
        self.process = process
        timer.setEventHandler { self.end() }
        timer.schedule(deadline: .now() + seconds)
        timer.resume()
    }

    private func end() {
        lock.withLock {
            // Another process may have the number of one that has ended.
            guard process.isRunning else { return }
            passed = true
            kill(process.processIdentifier, SIGKILL)
        }
    }

    /// Whether it came to that.
    var hasPassed: Bool { lock.withLock { passed } }

    /// To be called, or the timer keeps this object.
    func cancel() { timer.cancel() }
}
