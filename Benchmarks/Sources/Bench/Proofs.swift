import CMachine
import Foundation
import Synchronization

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
    var network: String
    var backend: String
    /// Of the whole process, setup included, on all threads.
    var peakMemoryBytes: Int?
    var phases: [Phase]
    /// How many times as fast as one thread all together do nothing but multiply: quartiles of measurements between the proofs.
    var machineSpeedup: [Double]?
}

/// Proves the bundled model, and shapes of published networks, with the command `assay`, each several times on one thread and on
/// all, in turn.
struct Prover {
    let executable: String
    let backends: String
    let runs: Int
    /// VGG-16 and GPT-2 small too.
    let shapes: Bool

    /// Proofs in one process, of which the fastest counts: the first one also derives what depends on the shape alone, and pays
    /// for memory that the host has to find. The shorter a proof, the more of them: other guests of the host take their time in
    /// bursts, and two threads are twice as likely to be hit.
    private static let (proofs, shortProofs) = (8, 40)

    /// Which part of the estimate a phase is about.
    private static let floors = [
        "witness": "forward", "commit": "committed", "lookups": "lookups", "nodes": "weightPasses",
        "open weights": "openings",
    ]

    private typealias JSON = [String: Any]

    /// A network, how to prove it (once under each backend, a row each), and the estimate for a field.
    private struct Workload {
        let name: String
        /// Processes of each kind for each run that is asked for: short proofs vary most, from one process to the next too.
        var processes = 1
        let rows: (_ threads: Int) throws -> [JSON]
        let estimate: (_ field: String, _ row: JSON) throws -> JSON
    }

    func measure(progress: (String) -> Void) throws -> [ProofResult] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func ablated(_ arguments: [String], proofs: Int) -> (Int) throws -> [JSON] {
            return { threads in
                let all =
                    ["ablate"] + arguments
                    + ["--runs", "\(proofs)", "--threads", "\(threads)", "--out", folder + "/out", "--json"]
                return try assay(all)["rows"] as? [JSON] ?? []
            }
        }
        func inspected(_ arguments: [String]) -> (String, JSON) throws -> JSON {
            return { field, _ in try assay(["inspect"] + arguments + ["--field", field, "--json"]) }
        }
        var workloads = [
            Workload(
                name: "bundled model", processes: shapes ? 2 : 1,
                rows: ablated(["--backends", backends], proofs: shapes ? Self.shortProofs : Self.proofs),
                estimate: inspected([Files.root + "/Models/kjv-llama"]))
        ]
        if shapes {
            workloads.append(
                Workload(
                    name: "VGG-16", processes: 2,
                    rows: {
                        [
                            try assay([
                                "shape", "vgg16", "--runs", "\(Self.shortProofs)", "--threads", "\($0)", "--json",
                            ])
                        ]
                    },
                    estimate: { _, row in row }))
            if let model = gpt2(folder, progress) {
                workloads.append(
                    Workload(
                        name: "GPT-2 small",
                        rows: ablated(
                            [model, "--backends", "m31/orion", "--tokens", model + "/tokens.txt"], proofs: Self.proofs),
                        estimate: inspected([model, "--token-count", "16"])))
            }
        }
        return try workloads.flatMap { try measure($0, progress) }
    }

    private func measure(_ workload: Workload, _ progress: (String) -> Void) throws -> [ProofResult] {
        // By backend and phase, with one thread and with all.
        var fastest: [[String: [String: Double]]] = [[:], [:]]
        var rows: [String: JSON] = [:]
        var backends: [String] = []
        var phases: [String: [String]] = [:]
        var speedups: [Double] = []
        let threads = ProcessInfo.processInfo.activeProcessorCount
        let runs = runs * workload.processes
        for run in 0..<runs {
            for (i, count) in [1, threads].enumerated() {
                progress("\(workload.name), run \(run + 1) of \(runs), threads \(count)")
                speedups += Self.speedups(threads)
                for row in try workload.rows(count) {
                    guard let backend = row["backend"] as? String, let parts = row["phases"] as? [JSON] else {
                        throw BenchError("assay reports no phases")
                    }
                    if !backends.contains(backend) { backends.append(backend) }
                    rows[backend] = row
                    var seconds = parts.compactMap { part -> (String, Double)? in
                        guard let name = part["name"] as? String, let s = part["seconds"] as? Double else { return nil }
                        return (name, s)
                    }
                    seconds.append(("total", row["proveSeconds"] as? Double ?? .infinity))
                    phases[backend] = seconds.map(\.0)
                    for (name, s) in seconds {
                        fastest[i][backend, default: [:]][name] = min(s, fastest[i][backend]?[name] ?? .infinity)
                    }
                }
            }
        }
        speedups.sort()
        let quartiles = (1...3).map { speedups[speedups.count * $0 / 4] }
        var estimates: [String: [String: Double]] = [:]
        return try backends.map { backend in
            let field = String(backend.prefix { $0 != "/" })
            if estimates[field] == nil {
                let json = try workload.estimate(field, rows[backend] ?? [:])
                var estimate = (json["estimate"] as? JSON ?? [:]).compactMapValues { $0 as? Double }
                estimate["total"] = json["estimatedSeconds"] as? Double
                estimates[field] = estimate
            }
            return ProofResult(
                network: workload.name, backend: backend, peakMemoryBytes: rows[backend]?["peakMemoryBytes"] as? Int,
                phases: (phases[backend] ?? []).map { name in
                    .init(
                        name: name, seconds: fastest[0][backend]?[name] ?? .infinity,
                        allThreadSeconds: fastest[1][backend]?[name],
                        floorSeconds: estimates[field]?[Self.floors[name] ?? name])
                }, machineSpeedup: quartiles)
        }
    }

    /// The speed-up of threads that do nothing but multiply in registers, a millisecond at a time. It falls short of their
    /// number where they share a core with each other, or with other guests of the host.
    private static func speedups(_ threads: Int) -> [Double] {
        @Sendable func multiply() -> Double {
            var sink: UInt64 = 0
            let start = machine_wall_seconds()
            return machine_multiply(100_000, &sink) == 0 ? 0 : machine_wall_seconds() - start
        }
        return (0..<200).map { _ in
            let alone = multiply()
            let together = Slots(threads)
            DispatchQueue.concurrentPerform(iterations: threads) {
                // All at the same time.
                together.started.wrappingAdd(1, ordering: .relaxed)
                while together.started.load(ordering: .relaxed) < threads {}
                together.seconds[$0] = multiply()
            }
            let slowest = together.seconds.max() ?? 0
            return slowest > 0 ? Double(threads) * alone / slowest : 0
        }
    }

    /// A place for each thread.
    private final class Slots: @unchecked Sendable {
        let seconds: UnsafeMutableBufferPointer<Double>
        let started = Atomic(0)

        init(_ count: Int) {
            seconds = .allocate(capacity: count)
            seconds.initialize(repeating: 0)
        }
        deinit { seconds.deallocate() }
    }

    /// The folder of a model of GPT-2 small's shape with random weights, as `papers/gpt2-small/reproduce.sh` makes it; nil where
    /// it cannot be made, or where memory is short.
    private func gpt2(_ folder: String, _ progress: (String) -> Void) -> String? {
        let available = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8))?.split(separator: "\n")
            .first { $0.hasPrefix("MemAvailable:") }?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        guard (available ?? .max) >= 6 << 20 else {
            progress("GPT-2 small is left out: it needs 6 GB of memory")
            return nil
        }
        let model = folder + "/gpt2"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["python3", Files.root + "/papers/make_block.py", model]
            + "--family gpt2 --vocabulary 50257 --layers 12 --width 768 --heads 12 --hidden 3072 --positions 16"
            .split(separator: " ").map(String.init)
        process.standardOutput = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        process.waitUntilExit()
        // To measure ranges on more text takes minutes and changes nothing about the shape.
        let sample = model + "/calibration.bin"
        guard process.terminationStatus == 0, let text = FileManager.default.contents(atPath: sample),
            FileManager.default.createFile(atPath: sample, contents: text.prefix(256))
        else {
            progress("GPT-2 small is left out: papers/make_block.py wants Python with NumPy")
            return nil
        }
        return model
    }

    /// Runs the command in the root of the repository, for one JSON object.
    private func assay(_ arguments: [String]) throws -> JSON {
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
        guard process.terminationStatus == 0, let json = try? JSONSerialization.jsonObject(with: data) as? JSON else {
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
