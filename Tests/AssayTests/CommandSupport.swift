import Foundation
import Testing

/// The built `assay`, run as a process.
enum Command {
    struct Run {
        let status: Int32
        let output: String
        let errors: String

        /// The one JSON object that `--json` prints.
        func json() throws -> [String: Any] {
            let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return try #require(value as? [String: Any], "no JSON object on stdout")
        }
    }

    /// The program beside the test bundle, in the build folder.
    static func executable() throws -> String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let places =
            [own, CommandLine.arguments[0], Bundle.main.executablePath ?? own]
            + Bundle.allBundles.map(\.bundlePath)
        for place in places {
            let path = URL(fileURLWithPath: place).deletingLastPathComponent().appendingPathComponent("assay").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        Issue.record("the executable `assay` is not beside the tests: build it first (swift build --product assay)")
        throw CocoaError(.fileNoSuchFile)
    }

    /// Runs `assay` with arguments; with `shell`, after these commands of bash in the same process.
    static func run(_ arguments: [String], after shell: String? = nil, output redirect: String? = nil) throws -> Run {
        try start(arguments, after: shell, output: redirect).finish()
    }

    /// The same, while it runs.
    struct Running {
        let process: Process
        fileprivate let arguments: [String]
        fileprivate let folder: Folder
        fileprivate let outputs: [String?]

        /// Waits for the end.
        func finish() throws -> Run {
            process.waitUntilExit()
            let texts = try outputs.map { path in
                try path.map { String(decoding: try Data(contentsOf: URL(fileURLWithPath: $0)), as: UTF8.self) } ?? ""
            }
            #expect(process.terminationReason == .exit, "assay \(arguments) crashed: \(texts[1])")
            return Run(status: process.terminationStatus, output: texts[0], errors: texts[1])
        }
    }

    static func start(
        _ arguments: [String], after shell: String? = nil, output redirect: String? = nil
    ) throws -> Running {
        let folder = try Folder()
        let outputs = [redirect ?? folder.path + "/out", folder.path + "/err"]
        let handles = try outputs.map { path in
            if redirect == nil || path != redirect { _ = FileManager.default.createFile(atPath: path, contents: nil) }
            return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        }
        let process = Process()
        let program = try executable()
        if let shell {
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-c", shell + "; exec \"$0\" \"$@\"", program] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
        }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handles[0]
        process.standardError = handles[1]
        try process.run()
        for handle in handles { try? handle.close() }
        return Running(
            process: process, arguments: arguments, folder: folder,
            outputs: outputs.map { $0 == redirect ? nil : $0 })
    }

    /// A model of the tests.
    static func model(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/models/\(name)").path
    }
}

/// A temporary folder that goes with its last reference.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("assay-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) }

    func write(_ data: Data, _ name: String) throws { try data.write(to: URL(fileURLWithPath: path + "/" + name)) }

    /// A copy of another folder, to be changed.
    static func copy(of original: String) throws -> Folder {
        let folder = try Folder()
        for name in try FileManager.default.contentsOfDirectory(atPath: original) {
            try FileManager.default.copyItem(atPath: original + "/" + name, toPath: folder.path + "/" + name)
        }
        return folder
    }

    /// Whether files are left that were not finished.
    func leftovers() throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: path)
        return names.filter { $0.hasSuffix(".partial") || $0.hasSuffix(".new") }
    }
}
