import CSIMD
import Foundation

let usage = """
    usage: bench [options]

    Times the kernels and prints them beside their targets and peers.

      --filter REGEX    only kernels and commitments whose name matches somewhere
      --list            names only, nothing timed
      --passes N        passes over all kernels; the fastest counts (5)
      --budget MS       milliseconds for a kernel in each pass (20)
      --no-portable     leave out the portable kernels
      --no-threads      leave out two threads
      --targets FILE    targets (targets.json of this package)
      --peers FILE      figures of peers, as peers.py writes them
      --assay FILE      the command assay: prove the bundled model too
      --backends LIST   backends to prove with (all)
      --proof-runs N    how often (3)
      --shapes          prove VGG-16 and GPT-2 small too (m31/orion, random weights; 6 GB, some minutes)
      --no-kernels      leave out the kernels
      --commitments     commit, open and verify with every commitment too
      --only PART       kernels, commitments or proofs
      --revision TEXT   what was built, for the report
      --json FILE       write the report; a folder gets a file named after the machine
    """

func fail(_ message: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("bench: \(message)\n".utf8))
    exit(status)
}

struct Options {
    var filter: Regex<AnyRegexOutput>?
    var list = false
    var passes = 5
    var budget = 20.0
    var portable = true
    var threads = true
    var kernels = true
    var commitments = false
    var proofs = true
    var targets = Files.package + "/targets.json"
    var peers: String?
    var assay: String?
    var backends = "all"
    var proofRuns = 3
    var shapes = false
    /// Each time at least two runs.
    let commitmentRounds = 2
    var revision = "unknown"
    var json: String?

    init(_ arguments: [String]) {
        var rest = arguments[...]
        var only: String?
        func wrong(_ message: String) -> Never { fail("\(message)\n\n\(usage)", status: 64) }
        func value(_ option: String) -> String {
            guard let value = rest.popFirst() else { wrong("\(option) wants a value") }
            return value
        }
        func number(_ option: String) -> Int {
            guard let n = Int(value(option)), n > 0 else { wrong("\(option) wants a positive number") }
            return n
        }
        while let option = rest.popFirst() {
            switch option {
            case "--filter":
                let text = value(option)
                guard let regex = try? Regex(text) else { wrong("'\(text)' is no regular expression") }
                filter = regex
            case "--list": list = true
            case "--passes": passes = number(option)
            case "--budget": budget = Double(number(option))
            case "--no-portable": portable = false
            case "--no-threads": threads = false
            case "--no-kernels": kernels = false
            case "--commitments": commitments = true
            case "--only":
                let part = value(option)
                guard ["kernels", "commitments", "proofs"].contains(part) else { wrong("there is no part '\(part)'") }
                only = part
            case "--targets": targets = value(option)
            case "--peers": peers = value(option)
            case "--assay": assay = value(option)
            case "--backends": backends = value(option)
            case "--proof-runs": proofRuns = number(option)
            case "--shapes": shapes = true
            case "--revision": revision = value(option)
            case "--json": json = value(option)
            case "--help", "-h":
                print(usage)
                exit(0)
            default: wrong("unknown option '\(option)'")
            }
        }
        if let only {
            (kernels, commitments, proofs) = (only == "kernels", only == "commitments", only == "proofs")
        }
    }
}

func progress(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

func references(_ path: String) throws -> [(Reference, Regex<AnyRegexOutput>)] {
    guard let data = FileManager.default.contents(atPath: path) else { throw BenchError("cannot read \(path)") }
    do {
        return try JSONDecoder().decode([Reference].self, from: data).map { reference in
            guard Reference.units.contains(reference.unit) else {
                throw BenchError("\(path): unknown unit '\(reference.unit)'")
            }
            return (reference, try Regex(reference.kernel))
        }
    } catch let error as DecodingError {
        throw BenchError("\(path): \(error)")
    }
}

/// The targets and peers for a result.
func standings(_ result: KernelResult, _ known: [(Reference, Regex<AnyRegexOutput>)]) -> [Standing] {
    known.compactMap { reference, regex in
        guard result.name.wholeMatch(of: regex) != nil, let ratio = reference.ratio(result) else { return nil }
        return Standing(reference: reference, ratio: ratio)
    }
}

@MainActor
func time(_ kernels: [Kernel], _ options: Options, into report: inout Report) throws {
    let best = csimd_current_level()
    var limits = Limits()
    var results = kernels.map {
        KernelResult(name: $0.name, count: Double($0.count), unit: $0.unit, seconds: .infinity, samples: [])
    }
    let clock = Clock(budget: options.budget * 1e-3)
    for pass in 0..<options.passes {
        progress("pass \(pass + 1) of \(options.passes)")
        limits.measure()
        for (i, kernel) in kernels.enumerated() {
            let run = try kernel.prepare()
            func fastest(_ before: Double?, threads: Int) -> Double {
                min(before ?? .infinity, clock.fastest(run, threads: threads))
            }
            let seconds = clock.fastest(run, threads: 1)
            results[i].samples.append(seconds)
            results[i].seconds = min(results[i].seconds, seconds)
            if options.threads && kernel.threads {
                results[i].twoThreadSeconds = fastest(results[i].twoThreadSeconds, threads: 2)
            }
            // Seconds of portable code are precise enough the first time.
            if options.portable && (results[i].portableSeconds ?? 0) < 0.2 {
                csimd_set_level(CSIMD_LEVEL_PORTABLE)
                results[i].portableSeconds = fastest(results[i].portableSeconds, threads: 1)
                csimd_set_level(best)
            }
        }
    }
    for (i, kernel) in kernels.enumerated() {
        if kernel.bytes > 0 { results[i].memoryShare = Double(kernel.bytes) / results[i].seconds / limits.memory }
        if let (kind, count) = kernel.work, let peak = limits.instructions[kind] {
            results[i].instruction = kind.rawValue
            results[i].instructionShare = count / results[i].seconds / peak
        }
    }
    report.memoryBytesPerSecond = limits.memory
    report.instructionsPerSecond = Dictionary(
        uniqueKeysWithValues: limits.instructions.map { ($0.key.rawValue, $0.value) })
    report.kernels = results
}

let options = Options(Array(CommandLine.arguments.dropFirst()))
@MainActor func isChosen(_ name: String) -> Bool { options.filter.map { name.firstMatch(of: $0) != nil } ?? true }
let chosen = options.kernels ? suite.filter { isChosen($0.name) } : []
let commitments = options.commitments ? commitmentSuite.filter { isChosen($0.name) } : []
if (options.kernels || options.commitments) && chosen.isEmpty && commitments.isEmpty {
    fail("nothing matches", status: 64)
}
if options.list {
    for name in chosen.map(\.name) + commitments.map(\.name) { print(name) }
    exit(0)
}
do {
    var report = Report(
        machine: .current, revision: options.revision, passes: options.passes, memoryBytesPerSecond: 0,
        instructionsPerSecond: [:])
    var known: [(Reference, Regex<AnyRegexOutput>)] = []
    if options.kernels || options.commitments {
        known = try references(options.targets)
        if let peers = options.peers {
            if FileManager.default.fileExists(atPath: peers) {
                known += try references(peers)
            } else {
                progress("peers are missing: there is no \(peers)")
            }
        }
    }
    if !chosen.isEmpty {
        try time(chosen, options, into: &report)
        for i in report.kernels.indices { report.kernels[i].references = standings(report.kernels[i], known) }
    }
    let clock = Clock(budget: options.budget * 1e-3)
    for commitment in commitments {
        progress(commitment.name)
        var result = try commitment.measure(clock, options.commitmentRounds, options.threads)
        for i in result.steps.indices { result.steps[i].references = standings(result.steps[i], known) }
        report.commitments.append(result)
    }
    if options.proofs, let assay = options.assay {
        report.proofs = try Prover(
            executable: assay, backends: options.backends, runs: options.proofRuns, shapes: options.shapes
        )
        .measure(progress: progress)
    }
    let machine = report.machine
    print(
        """
        \(machine.cpu) (\(machine.family)), \(machine.cores) cores, kernels \(machine.level), load \
        \(machine.load.map { String($0) } ?? "unknown"), \(machine.date), revision \(report.revision)
        """)
    if !report.kernels.isEmpty {
        let peaks = report.instructionsPerSecond.sorted { $0.key < $1.key }
            .map { "\($0.key) \(significant($0.value * 1e-9)) G/s" }
        print(
            "one thread reads \(significant(report.memoryBytesPerSecond * 1e-9)) GB/s; 512-bit instructions: ",
            terminator: "")
        print(peaks.isEmpty ? "none" : peaks.joined(separator: ", "))
        print("\n" + report.kernelTable)
    }
    if !report.commitments.isEmpty { print(report.commitmentTable) }
    if !report.proofs.isEmpty { print(report.proofTable) }
    if let path = options.json {
        var directory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &directory)
        let file = exists && directory.boolValue ? path + "/" + machine.slug + ".json" : path
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard FileManager.default.createFile(atPath: file, contents: try encoder.encode(report) + Data("\n".utf8))
        else { throw BenchError("cannot write \(file)") }
        progress("written: \(file)")
    }
} catch {
    fail("\(error)", status: 70)
}
