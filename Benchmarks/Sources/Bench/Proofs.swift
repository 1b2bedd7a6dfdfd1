import Foundation

/// The prover's time for one backend, by phase, and what unit costs say.
struct ProofResult: Codable {
    struct Phase: Codable {
        var name: String
        /// One thread.
        var seconds: Double
        var allThreadSeconds: Double?
        /// The part of `CostEstimate` (one core, over M31) that this phase should take.
        var floorSeconds: Double?
    }
    var backend: String
    var phases: [Phase]
}

/// Proves the bundled model with the command `assay`, each backend several times.
struct Prover {
    let executable: String
    let backends: String
    let runs: Int

    /// Which part of the estimate a phase is about.
    private static let floors = [
        "run the model": "forward", "commit": "committed", "lookups": "lookups", "nodes": "weightPasses",
        "open weights": "openings",
    ]

    func measure(progress: (String) -> Void) throws -> [ProofResult] {
        var one: [String: [String: Double]] = [:]
        var all: [String: [String: Double]] = [:]
        var backends: [String] = []
        var phases: [String: [String]] = [:]
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(getpid())")
        defer { try? FileManager.default.removeItem(at: folder) }
        for run in 0..<runs {
            for threads in [1, ProcessInfo.processInfo.activeProcessorCount] {
                progress("proofs, run \(run + 1) of \(runs), threads \(threads)")
                let json = try assay(
                    ["ablate", "--backends", self.backends, "--threads", "\(threads)", "--out", folder.path, "--json"])
                for row in json["rows"] as? [[String: Any]] ?? [] {
                    guard let backend = row["backend"] as? String, let parts = row["phases"] as? [[String: Any]] else {
                        throw BenchError("assay ablate reports no phases")
                    }
                    if !backends.contains(backend) { backends.append(backend) }
                    var seconds = [("total", row["proveSeconds"] as? Double ?? .infinity)]
                    for part in parts {
                        if let name = part["name"] as? String, let s = part["seconds"] as? Double {
                            seconds.insert((name, s), at: seconds.count - 1)
                        }
                    }
                    phases[backend] = seconds.map(\.0)
                    for (name, s) in seconds {
                        if threads == 1 {
                            one[backend, default: [:]][name] = min(s, one[backend]?[name] ?? .infinity)
                        } else {
                            all[backend, default: [:]][name] = min(s, all[backend]?[name] ?? .infinity)
                        }
                    }
                }
            }
        }
        var estimates: [String: [String: Double]] = [:]
        for field in Set(backends.map { String($0.prefix { $0 != "/" }) }) {
            let json = try assay(["inspect", Self.model, "--field", field, "--json"])
            var estimate = (json["estimate"] as? [String: Any] ?? [:]).compactMapValues { $0 as? Double }
            estimate["total"] = json["estimatedSeconds"] as? Double
            estimates[field] = estimate
        }
        return backends.map { backend in
            let estimate = estimates[String(backend.prefix { $0 != "/" })] ?? [:]
            return ProofResult(
                backend: backend,
                phases: (phases[backend] ?? []).map { name in
                    .init(
                        name: name, seconds: one[backend]?[name] ?? .infinity,
                        allThreadSeconds: all[backend]?[name],
                        floorSeconds: estimate[Self.floors[name] ?? name])
                })
        }
    }

    private static var model: String { Files.root + "/Models/kjv-llama" }

    /// Runs the command in the root of the repository, for one JSON object.
    private func assay(_ arguments: [String]) throws -> [String: Any] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: Files.root)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { throw BenchError("cannot run \(executable)") }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0,
            let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else {
            throw BenchError("assay \(arguments.joined(separator: " ")) failed (\(process.terminationStatus))")
        }
        return json
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

enum Files {
    /// The folder of this package, and of the repository.
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let root = URL(fileURLWithPath: package).deletingLastPathComponent().path
}
