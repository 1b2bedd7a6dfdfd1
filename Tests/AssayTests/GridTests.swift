import Assay
import Foundation
import Testing

/// The cells that axes give.
@Suite struct AblationGridTests {
    private func cells(_ products: String..., security: Int? = nil) throws -> [String] {
        try AblationGrid(products, securityBits: security).cells.map { "\($0.backend) \($0.securityBits)" }
    }

    @Test func products() throws {
        #expect(
            try cells("field=m31,bn254;code=orion,fri rate=auto,1/4 hash=sha256 security=80,90") == [
                "m31/orion/sha256 80", "m31/orion/sha256 90", "m31/orion/sha256:rate=1/4 80",
                "m31/orion/sha256:rate=1/4 90", "m31/fri/sha256 80", "m31/fri/sha256 90", "m31/fri/sha256:rate=1/4 80",
                "m31/fri/sha256:rate=1/4 90", "bn254/orion/sha256 80", "bn254/orion/sha256 90",
                "bn254/orion/sha256:rate=1/4 80", "bn254/orion/sha256:rate=1/4 90", "bn254/fri/sha256 80",
                "bn254/fri/sha256 90", "bn254/fri/sha256:rate=1/4 80", "bn254/fri/sha256:rate=1/4 90",
            ])
        #expect(try cells("backend=bn254/kzg columns=256") == ["bn254/kzg:columns=256 100"])
        #expect(try cells("hash=blake3", security: 90) == Backends.names.map { "\($0) 90" })
    }

    @Test func productsAreUnitedAndCellsAreThereOnce() throws {
        #expect(
            try cells("backend=m31/raw,m31/orion", "field=m31 code=orion,raw hash=blake3,sha256", "backend=m31/raw")
                == [
                    "m31/raw 100", "m31/orion 100", "m31/orion/sha256 100", "m31/raw/sha256 100",
                ])
    }

    /// What a commitment does not have multiplies nothing; what a build does not have is left out. Both are said.
    @Test func whatDoesNotApply() throws {
        let grid = try AblationGrid(["field=m31,bn254 code=orion-expander,kzg,orion rate=1/2,1/4"], securityBits: nil)
        #expect(
            grid.cells.map(\.backend) == [
                "m31/orion-expander", "m31/orion:rate=1/2", "m31/orion:rate=1/4", "bn254/orion-expander", "bn254/kzg",
                "bn254/orion:rate=1/2", "bn254/orion:rate=1/4",
            ])
        #expect(grid.notes.contains { $0.contains("m31/kzg") && !$0.contains("bn254") })
        #expect(
            grid.notes.contains {
                $0.contains("m31/orion-expander, bn254/orion-expander, bn254/kzg: no parameter 'rate'")
            })
        // Nobody asked for m31/kzg here.
        #expect(try AblationGrid(["field=m31"], securityBits: nil).notes == [])
    }

    @Test(arguments: [
        "", "fields=m31", "field", "field=", "field=m31,", "field=m61", "code=stark", "backend=m31/kzg", "hash=md5",
        "field=m31 code=kzg", "rate=1/3", "rate=2", "arity=3", "switch=maybe", "security=0", "security=257",
        "security=x",
        "field=m31 field=bn254", "backend=m31/raw code=raw", "backend=m31/orion:rate=1/2", "code=raw rate=1/2",
        "code=fri switch=on",
    ])
    func refused(_ product: String) {
        #expect(throws: AssayError.self) { try AblationGrid([product], securityBits: nil) }
        #expect(throws: AssayError.self) { try AblationGrid(["field=m31", product], securityBits: nil) }
    }

    @Test func levelTwice() {
        #expect(throws: AssayError.self) { try AblationGrid(["security=90"], securityBits: 90) }
    }
}

/// `assay ablate --grid`, as a process.
@Suite(.serialized) struct GridCommandTests {
    private static func arguments(_ folder: String, _ grid: String, _ more: [String] = []) -> [String] {
        ["ablate", Command.model("tiny-llama"), "--grid", grid, "--out", folder]
            + (more.contains("--prompt") ? more : more + ["--prompt", "God"])
    }

    private func rows(_ folder: Folder) throws -> [[String: Any]] {
        let results = try JSONSerialization.jsonObject(with: folder.read("results.json")) as? [String: Any]
        return try #require(results?["rows"] as? [[String: Any]])
    }

    private func names(_ rows: [[String: Any]]) -> [String] {
        rows.map { "\($0["backend"] as? String ?? "") \($0["requestedBits"] as? Int ?? 0)" }
    }

    /// Waits for something that another process does.
    private func wait<R>(_ what: String, for value: () throws -> R?) throws -> R {
        for _ in 0..<6000 {
            if let value = try value() { return value }
            usleep(10_000)
        }
        Issue.record("waited in vain: \(what)")
        throw CocoaError(.featureUnsupported)
    }

    /// The processes whose parent is this one.
    private func children(of parent: pid_t) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { id in
            let stat = (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)) ?? ""
            // The name, in parentheses, may hold spaces; the parent is the second word behind it.
            let words = stat.split(separator: ")").last?.split(separator: " ") ?? []
            return words.count > 1 && pid_t(words[1]) == parent
        }
    }

    /// Whether the process is a cell: not gone, and its number not that of another process by now.
    private func isCell(_ process: pid_t) -> Bool {
        (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8))?.contains("ablate-cell") == true
    }

    @Test func everyCombinationIsARow() throws {
        let folder = try Folder()
        let run = try Command.run(
            Self.arguments(folder.path, "field=m31 code=raw,orion rate=auto,1/4 hash=blake3,sha256", ["--json"]))
        #expect(run.status == 0, "\(run.errors)")
        let rows = try rows(folder)
        #expect(
            names(rows) == [
                "m31/raw 100", "m31/raw/sha256 100", "m31/orion 100", "m31/orion:rate=1/4 100", "m31/orion/sha256 100",
                "m31/orion/sha256:rate=1/4 100",
            ])
        #expect(rows.map { $0["code"] as? String } == ["raw", "raw", "orion", "orion", "orion", "orion"])
        #expect(
            rows.map { $0["hash"] as? String } == ["blake3", "sha256", "blake3", "blake3", "sha256", "sha256"])
        #expect(
            rows.map { ($0["parameters"] as? [String: String])?["rate"] } == [nil, nil, nil, "1/4", nil, "1/4"])
        #expect(Set(rows.compactMap { $0["outputDigest"] as? String }).count == 1)
        let lines = String(decoding: try folder.read("results.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 7 && lines[4].hasPrefix("m31/orion:rate=1/4,m31,orion,blake3,1/4,100,"))
        #expect(run.errors.contains("[6/6] m31/orion/sha256:rate=1/4: prove"))
        #expect(run.errors.contains(" left\n"))
        let printed = try run.json()["rows"] as? [[String: Any]]
        #expect(names(try #require(printed)) == names(rows))
    }

    @Test func aFailingCellIsARowWithItsReason() throws {
        let folder = try Folder()
        let grid = "backend=goldilocks/orion,m31/raw security=128,90"
        let run = try Command.run(Self.arguments(folder.path, grid))
        #expect(run.status == 1, "\(run.errors)")
        let first = try rows(folder)
        #expect(
            names(first) == ["goldilocks/orion 128", "goldilocks/orion 90", "m31/raw 128", "m31/raw 90"])
        #expect(first.map { $0["error"] == nil } == [false, true, false, true])
        let reason = try #require(first[0]["error"] as? String)
        #expect(run.output.contains("goldilocks/orion, 128 bits, failed: \(reason)"))
        let nearest = try #require(reason.firstMatch(of: /cannot prove 128 bits .* nearest level is ([0-9]+) bits/)).1
        #expect(try (90..<128).contains(#require(Int(nearest))))

        // The failed ones run again, the others do not.
        let second = try Command.run(Self.arguments(folder.path, grid))
        #expect(second.status == 1)
        #expect(second.errors.contains("2 of 4 rows are there"))
        #expect(second.errors.contains("] goldilocks/orion, 128 bits: "))
        #expect(!second.errors.contains("90 bits"))
        let kept = try rows(folder)
        #expect(names(kept) == names(first))
        for i in [1, 3] { #expect(NSDictionary(dictionary: kept[i]) == NSDictionary(dictionary: first[i])) }
    }

    @Test func aKilledCellIsARowWithItsReason() throws {
        let folder = try Folder()
        let running = try Command.start(Self.arguments(folder.path, "field=m31 code=orion-expander,raw"))
        let cell = try wait("a cell") { try children(of: running.process.processIdentifier).first }
        #expect(kill(cell, SIGKILL) == 0)
        let run = try running.finish()
        #expect(run.status == 1)
        let rows = try rows(folder)
        #expect(names(rows) == ["m31/orion-expander 100", "m31/raw 100"])
        #expect((rows[0]["error"] as? String)?.contains("killed") == true)
        #expect(rows[1]["error"] == nil)
    }

    /// One that hangs for good: it is stopped, so that it cannot end by itself.
    @Test func aCellThatHangsIsARowWithItsReason() throws {
        let folder = try Folder()
        let arguments = Self.arguments(folder.path, "field=m31 code=orion-expander,raw", ["--cell-timeout", "10"])
        let running = try Command.start(arguments)
        let cell = try wait("a cell") {
            // Not before it is that program: whoever starts a process waits until it is.
            try children(of: running.process.processIdentifier).first { isCell($0) }
        }
        #expect(kill(cell, SIGSTOP) == 0)
        let run = try running.finish()
        #expect(run.status == 1, "\(run.errors)")
        #expect(!isCell(cell))
        let first = try rows(folder)
        #expect(names(first) == ["m31/orion-expander 100", "m31/raw 100"])
        #expect(first.map { $0["error"] as? String } == ["took longer than 10 s (--cell-timeout)", nil])
        #expect(try #require(first[0]["cellSeconds"] as? Double) >= 10)
        #expect(run.output.contains("m31/orion-expander, 100 bits, failed: took longer than 10 s"))
        #expect(String(decoding: try folder.read("results.csv"), as: UTF8.self).contains("took longer than 10 s"))

        // It runs again, and this time it is not stopped.
        let second = try Command.run(arguments)
        #expect(second.status == 0, "\(second.errors)")
        #expect(second.errors.contains("1 of 2 rows are there"))
        #expect(try rows(folder).allSatisfy { $0["error"] == nil })
    }

    @Test func cellsThatTakeTooLong() throws {
        let folder = try Folder()
        let run = try Command.run(Self.arguments(folder.path, "field=m31 code=orion,raw", ["--cell-timeout", "0.001"]))
        #expect(run.status == 1, "\(run.errors)")
        #expect(
            try rows(folder).map { $0["error"] as? String }
                == [String](repeating: "took longer than 0.001 s (--cell-timeout)", count: 2))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func interruptedAndResumed(_ signal: Int32) throws {
        let folder = try Folder()
        // The last of these take longest.
        let arguments = Self.arguments(folder.path, "code=raw,orion,orion-expander")
        let running = try Command.start(arguments)
        _ = try wait("two rows") { (try? rows(folder))?.count ?? 0 >= 2 ? true : nil }
        let cell = try wait("a cell") { try children(of: running.process.processIdentifier).first }
        kill(running.process.processIdentifier, signal)
        let run = try running.finish()
        #expect(run.status == 128 + signal)
        #expect(run.errors.contains("interrupted: "))
        #expect(run.output.contains("raw"))
        #expect(!isCell(cell))
        #expect(try folder.leftovers() == [])
        let kept = try rows(folder)
        #expect(kept.count >= 2 && kept.count < 9 && kept.allSatisfy { $0["error"] == nil })
        let lines = String(decoding: try folder.read("results.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 1 + kept.count)

        let resumed = try Command.run(arguments)
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(resumed.errors.contains("\(kept.count) of 9 rows are there"))
        let all = try rows(folder)
        #expect(all.count == 9)
        for row in kept {
            #expect(all.contains { NSDictionary(dictionary: $0) == NSDictionary(dictionary: row) })
        }
    }

    @Test func resultsOfOtherThingsAreNotMixed() throws {
        let folder = try Folder()
        let grid = "backend=m31/raw"
        #expect(try Command.run(Self.arguments(folder.path, grid)).status == 0)
        let first = try folder.read("results.json")
        func refused(_ why: String, _ run: Command.Run) {
            #expect(run.status == 65, "\(why): \(run.errors)")
            #expect(run.errors.contains(why) && run.errors.contains("--fresh"), "\(run.errors)")
            #expect(run.output == "")
        }
        refused("another input", try Command.run(Self.arguments(folder.path, grid, ["--prompt", "Gob"])))
        refused("other threads", try Command.run(Self.arguments(folder.path, grid, ["--threads", "1"])))
        var other = Self.arguments(folder.path, grid)
        other[1] = Command.model("tiny-gpt2")
        refused("another model", try Command.run(other))
        #expect(try folder.read("results.json") == first)

        let text = String(decoding: first, as: UTF8.self)
        for (why, pattern, replacement) in [
            ("another build", "\"program\" : \"", "\"program\" : \"0"),
            ("another machine", "\"cpu\" : \"", "\"cpu\" : \"Old "),
            ("damaged", "\"rows\"", "\"lines\""), ("without --grid", "\"origin\"", "\"source\""),
        ] {
            let changed = text.replacingOccurrences(of: pattern, with: replacement)
            try folder.write(Data(changed.utf8), "results.json")
            let why = why == "without --grid" ? "not made with --grid" : why
            refused(why, try Command.run(Self.arguments(folder.path, grid)))
            #expect(try folder.read("results.json") == Data(changed.utf8))
        }
        #expect(try Command.run(Self.arguments(folder.path, grid, ["--fresh"])).status == 0)
        // Rows of another grid stay where everything else is the same.
        #expect(try Command.run(Self.arguments(folder.path, "backend=m31/raw security=80,90")).status == 0)
        #expect(names(try rows(folder)) == ["m31/raw 80", "m31/raw 90", "m31/raw 100"])
        // The fastest of another number of runs is another measurement.
        #expect(
            try Command.run(Self.arguments(folder.path, "backend=m31/raw security=90", ["--runs", "2"])).status == 0)
        let all = try rows(folder)
        #expect(names(all) == ["m31/raw 90", "m31/raw 80", "m31/raw 100"])
        #expect(all.map { $0["runs"] as? Int } == [2, nil, nil])
    }
}
