import Fields
import Foundation
import TestSupport
import Testing

/// The tests of the executable that share one setup and one proof.
private struct Proved: Sendable {
    let keys: Folder
    let proof: Folder
    let prove: Command.Run

    static let prompt = "In the b"
    static let shared = Result { try Proved() }

    init() throws {
        keys = try Folder()
        proof = try Folder()
        let setup = try Command.run([
            "setup", Command.model("tiny-llama"), "--backend", "m31/orion", "--out", keys.path,
        ])
        #expect(setup.status == 0, "\(setup.errors)")
        prove = try Command.run([
            "prove", Command.model("tiny-llama"), "--backend", "m31/orion", "--prompt", Proved.prompt, "--keys",
            keys.path,
            "--out", proof.path, "--json",
        ])
        #expect(prove.status == 0, "\(prove.errors)")
    }

    /// A copy of the proof's folder, to be changed.
    func copy() throws -> Folder { try Folder.copy(of: proof.path) }

    func verify(_ folder: String, _ more: String...) throws -> Command.Run {
        try Command.run(["verify", folder, "--key", keys.path + "/verifying.key"] + more)
    }
}

extension Command.Run: @unchecked Sendable {}

@Suite struct CommandHappyPath {
    @Test func setupProveVerify() throws {
        let proved = try Proved.shared.get()
        let made = try proved.prove.json()
        #expect(made["input"] as? [Int] == Proved.prompt.utf8.map(Int.init))
        #expect(made["securityBits"] as? Int == 100)
        #expect((made["provedBits"] as? Int).map { $0 >= 100 } == true)
        let phases = try #require(made["phases"] as? [[String: Any]])
        #expect(phases.contains { $0["name"] as? String == "commit" })
        let bytes = phases.compactMap { $0["bytes"] as? Int }.reduce(0, +)
        #expect(try proved.proof.read("proof.bin").count == made["proofBytes"] as? Int)
        #expect(bytes == made["proofBytes"] as? Int)
        #expect(FileManager.default.fileExists(atPath: proved.keys.path + "/proving.key"))

        let text = try proved.verify(proved.proof.path, "--explain")
        #expect(text.status == 0, "\(text.errors)")
        #expect(text.output.hasPrefix("accepted\n"))
        #expect(text.output.contains("\"\(Proved.prompt)\""))
        let checked = try proved.verify(proved.proof.path, "--json").json()
        #expect(checked["accepted"] as? Bool == true)
        for name in ["backend", "modelDigest", "outputText"] {
            #expect(checked[name] as? String == made[name] as? String)
        }
        #expect(checked["output"] as? Int == made["output"] as? Int)
    }

    @Test func proofOfTheSameTokensFromAFile() throws {
        let proved = try Proved.shared.get()
        let folder = try Folder()
        for (name, text) in [
            ("t.txt", Proved.prompt.utf8.map { "\($0)" }.joined(separator: ",\n ")),
            ("t.json", "\(Proved.prompt.utf8.map(Int.init))"),
        ] {
            try folder.write(Data(text.utf8), name)
            let run = try Command.run([
                "prove", Command.model("tiny-llama"), "--tokens", folder.path + "/" + name, "--keys", proved.keys.path,
                "--out", folder.path + "/proof",
            ])
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output.contains("next token"))
            for file in ["proof.bin", "statement.json"] {
                #expect(try folder.read("proof/" + file) == proved.proof.read(file))
            }
        }
    }

    @Test func withoutKeysTheProofBringsThem() throws {
        let folder = try Folder()
        let out = folder.path + "/deep/proof"
        let prove = try Command.run([
            "prove", Command.model("tiny-gpt2"), "--backend", "m31/raw", "--prompt", "And", "--out", out, "--threads",
            "1",
        ])
        #expect(prove.status == 0, "\(prove.errors)")
        let verify = try Command.run(["verify", out, "--key", out + "/keys/verifying.key"])
        #expect(verify.status == 0, "\(verify.errors)")
        #expect(try folder.leftovers() == [])
    }

    @Test func ablation() throws {
        let folder = try Folder()
        let run = try Command.run([
            "ablate", Command.model("tiny-llama"), "--backends", "m31/raw, m31/orion/sha256", "--prompt", "God",
            "--out",
            folder.path, "--json",
        ])
        #expect(run.status == 0, "\(run.errors)")
        let results = try run.json()
        let written = try JSONSerialization.jsonObject(with: folder.read("results.json")) as? [String: Any]
        #expect(written.map { NSDictionary(dictionary: $0) } == NSDictionary(dictionary: results))
        #expect(Set(results.keys) == ["machine", "model", "rows"])
        let rows = try #require(results["rows"] as? [[String: Any]])
        #expect(rows.map { $0["backend"] as? String } == ["m31/raw", "m31/orion/sha256"])
        for row in rows {
            #expect(
                Set(row.keys) == [
                    "backend", "budget", "field", "code", "hash", "parameters", "requestedBits", "setupSeconds",
                    "proveSeconds",
                    "verifySeconds", "phases", "proofBytes", "keyBytes", "peakMemoryBytes", "securityBits",
                    "outputDigest", "cellSeconds",
                ])
        }
        #expect(Set(rows.compactMap { $0["outputDigest"] as? String }).count == 1)
        let lines = String(decoding: try folder.read("results.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3 && lines[0].hasPrefix("backend,field,code,hash,rate,requestedBits,setupSeconds,"))
    }

    @Test func ablationWithAFailingRowKeepsTheOthers() throws {
        let folder = try Folder()
        // No field here proves 250 bits.
        let run = try Command.run([
            "ablate", Command.model("tiny-llama"), "--backends", "m31/raw", "--prompt", "God", "--security", "250",
            "--out", folder.path,
        ])
        #expect(run.status == 1)
        #expect(run.output.contains("m31/raw failed: "))
        #expect(String(decoding: try folder.read("results.json"), as: UTF8.self).contains("\"error\""))
    }

    /// KZG with powers from a file: named by an environment variable to set up and to prove, not needed to verify. Without a
    /// file everything says INSECURE.
    @Test func referenceStringFromAFile() throws {
        let folder = try Folder()
        try folder.write(Data(samplePtau(power: 15, g2: 4, tau: BN254Scalar(0x1234_5678_9abc_def1))), "powers.ptau")
        try folder.write(Data(samplePtau(power: 15, g2: 4, tau: BN254Scalar(0x1234_5678_9abc_def2))), "others.ptau")
        let (keys, proof) = (folder.path + "/keys", folder.path + "/proof")
        func with(_ file: String) -> String { "export ASSAY_SRS='\(folder.path)/\(file).ptau'" }
        let setup = [
            "setup", Command.model("tiny-llama"), "--backend", "bn254/kzg", "--out", keys,
        ]
        let prove = ["prove", Command.model("tiny-llama"), "--keys", keys, "--prompt", "God", "--out", proof]
        let made = try Command.run(setup + ["--srs", folder.path + "/powers.ptau"])
        #expect(made.status == 0 && !made.output.contains("INSECURE"), "\(made.errors)")
        #expect(made.output.contains("assumed"))
        // Another string, or none, is not that of the key.
        for shell in [with("others"), "unset ASSAY_SRS", with("missing")] {
            let run = try Command.run(prove, after: shell)
            #expect(run.status == 65 && run.errors.contains("public parameters"), "\(run.status) \(run.errors)")
        }
        let proved = try Command.run(prove, after: with("powers"))
        #expect(proved.status == 0 && !proved.output.contains("INSECURE"), "\(proved.errors)")
        let verified = try Command.run(["verify", proof, "--key", keys + "/verifying.key"], after: "unset ASSAY_SRS")
        #expect(verified.status == 0 && !verified.output.contains("INSECURE"), "\(verified.errors)")

        let development = try Command.run(
            ["prove", Command.model("tiny-llama"), "--backend", "bn254/kzg", "--prompt", "God", "--out", proof],
            after: "unset ASSAY_SRS")
        #expect(development.status == 0 && development.output.contains("INSECURE"), "\(development.errors)")
        let again = try Command.run(["verify", proof, "--key", proof + "/keys/verifying.key"])
        #expect(again.status == 0 && again.output.hasPrefix("accepted, but INSECURE"))
        let report = try Command.run(["verify", proof, "--key", proof + "/keys/verifying.key", "--json"]).json()
        #expect(report["insecure"] as? Bool == true)
        // Whoever names a file accepts no key of another string.
        let pinned = try Command.run(
            ["verify", proof, "--key", proof + "/keys/verifying.key", "--srs", folder.path + "/powers.ptau"])
        #expect(pinned.status == 1 && pinned.errors.contains("reference string"), "\(pinned.errors)")
        // No level above what is assumed of the curve.
        let high = try Command.run(setup + ["--security", "101"], after: "unset ASSAY_SRS")
        #expect(high.status == 65 && high.errors.contains("100"), "\(high.errors)")
    }

    @Test func runAndInspect() throws {
        let run = try Command.run(["run", Command.model("tiny-llama"), "-n", "3", "--json"])
        #expect(run.status == 0, "\(run.errors)")
        let steps = try #require(try run.json()["steps"] as? [[String: Any]])
        #expect(steps.count == 3 && steps.allSatisfy { $0["token"] is Int && $0["floatToken"] is Int })

        let inspect = try Command.run(["inspect", Command.model("tiny-llama"), "--token-count", "5", "--json"])
        #expect(inspect.status == 0, "\(inspect.errors)")
        let report = try inspect.json()
        let nodes = try #require(report["nodes"] as? [[String: Any]])
        #expect(nodes.contains { $0["operation"] as? String == "contract" })
        #expect(try #require(report["weights"] as? Int) > 30000)
        let table = try Command.run(["inspect", Command.model("tiny-llama"), "--field", "bn254"])
        #expect(table.status == 0 && table.output.contains("what dominates"))
    }
}

@Suite struct CommandRejections {
    /// Every field of the statement, changed; and the same fields said in another way.
    @Test(arguments: [
        ("\"version\" : 3", "\"version\" : 2"),
        ("\"backend\" : \"m31\\/orion\"", "\"backend\" : \"m31\\/raw\""),
        ("\"backend\" : \"m31\\/orion\"", "\"backend\" : \"m31\\/orion\\/sha256\""),
        ("\"backend\" : \"m31\\/orion\"", "\"backend\" : \"m31/orion\""),
        ("\"modelDigest\" : \"", "\"modelDigest\" : \"0"),
        ("    73,", "    74,"),
        ("    73,", "    73, 73,"),
        ("    73,\n", ""),
        ("    73,", "    -1,"),
        ("    73,", "    1000000000000,"),
        ("\"output\" : ", "\"output\" : 1"),
        ("\"output\" : ", "\"output\" : -"),
        ("\"securityBits\" : 100", "\"securityBits\" : 128"),
        ("\"securityBits\" : 100", "\"securityBits\" : 80"),
        ("\"version\" : 3", "\"note\" : \"checked by EVIL\", \"version\" : 3"),
        ("\"output\" : ", "\"output\" : 7, \"output\" : "),
        ("\"version\" : 3\n", "\"version\" : 3"),
        ("{", "["),
    ])
    func editedStatement(_ old: String, _ new: String) throws {
        let proved = try Proved.shared.get()
        let folder = try proved.copy()
        let text = String(decoding: try folder.read("statement.json"), as: UTF8.self)
        let place = try #require(text.range(of: old))
        try folder.write(Data(text.replacingCharacters(in: place, with: new).utf8), "statement.json")
        let run = try proved.verify(folder.path, "--json")
        #expect(run.status == 1)
        #expect(run.errors.contains("rejected: "))
        let report = try run.json()
        #expect(report["accepted"] as? Bool == false)
        #expect(report["output"] == nil && !run.output.contains("EVIL"))
        #expect(try proved.verify(folder.path).output == "")
    }

    @Test func changedOutputDigit() throws {
        let proved = try Proved.shared.get()
        let folder = try proved.copy()
        let output = try #require(try proved.prove.json()["output"] as? Int)
        let text = String(decoding: try folder.read("statement.json"), as: UTF8.self)
        try folder.write(
            Data(text.replacingOccurrences(of: "\"output\" : \(output)", with: "\"output\" : \(output ^ 1)").utf8),
            "statement.json")
        let run = try proved.verify(folder.path)
        #expect(run.status == 1 && run.output == "" && run.errors.contains("rejected: "))
    }

    @Test(arguments: ["empty", "cut", "cut by one", "longer", "first byte", "middle byte", "last byte"])
    func damagedProof(_ damage: String) throws {
        let proved = try Proved.shared.get()
        let folder = try proved.copy()
        var bytes = [UInt8](try folder.read("proof.bin"))
        switch damage {
        case "empty": bytes = []
        case "cut": bytes.removeLast(bytes.count / 2)
        case "cut by one": bytes.removeLast()
        case "longer": bytes.append(0)
        case "first byte": bytes[0] ^= 1
        case "middle byte": bytes[bytes.count / 2] ^= 0x80
        default: bytes[bytes.count - 1] ^= 1
        }
        try folder.write(Data(bytes), "proof.bin")
        let run = try proved.verify(folder.path)
        #expect(run.status == 1 && run.output == "" && run.errors.contains("rejected: "))
    }

    @Test func hugeProofIsNotRead() throws {
        let proved = try Proved.shared.get()
        let folder = try proved.copy()
        #expect(truncate(folder.path + "/proof.bin", 1 << 40) == 0)
        let run = try proved.verify(folder.path)
        #expect(run.status == 1 && run.errors.contains("proof size"))
    }

    @Test(arguments: [
        ["--backend", "m31/raw"], ["--backend", "goldilocks/orion"], ["--backend", "m31/orion", "--security", "90"],
    ])
    func otherKey(_ options: [String]) throws {
        let proved = try Proved.shared.get()
        let keys = try Folder()
        let setup = try Command.run(["setup", Command.model("tiny-llama"), "--out", keys.path] + options)
        #expect(setup.status == 0, "\(setup.errors)")
        let run = try Command.run(["verify", proved.proof.path, "--key", keys.path + "/verifying.key"])
        #expect(run.status == 1 && run.output == "" && run.errors.contains("rejected: statement"))
        let prove = try Command.run([
            "prove", Command.model("tiny-gpt2"), "--keys", keys.path, "--prompt", "And", "--out", keys.path + "/proof",
        ])
        #expect(prove.status == 65 && prove.errors.contains("another model"))
        #expect(!FileManager.default.fileExists(atPath: keys.path + "/proof"))
    }

    @Test func keysOfAnotherBackendThanAsked() throws {
        let proved = try Proved.shared.get()
        let out = proved.keys.path + "/proof-raw"
        let run = try Command.run([
            "prove", Command.model("tiny-llama"), "--backend", "m31/raw", "--keys", proved.keys.path, "--out", out,
            "--prompt", "And",
        ])
        #expect(run.status == 65 && run.errors.contains("m31/orion"))
        #expect(!FileManager.default.fileExists(atPath: out))
    }

    @Test func damagedKey() throws {
        let proved = try Proved.shared.get()
        let folder = try Folder()
        let key = try proved.keys.read("verifying.key")
        try folder.write(key.prefix(key.count / 2), "verifying.key")
        let run = try Command.run(["verify", proved.proof.path, "--key", folder.path + "/verifying.key"])
        #expect(run.status == 65 && run.errors.contains("truncated"))
    }
}

@Suite struct CommandFailures {
    @Test(arguments: [
        ["setup", "MODEL", "--backend", "m31/kzg", "--out", "OUT"],
        ["prove", "MODEL", "--backend", "m31/orion/md5", "--out", "OUT"],
        ["ablate", "MODEL", "--backends", "m31/orion,nothing", "--out", "OUT"],
        ["ablate", "MODEL", "--backends", ",", "--out", "OUT"],
        ["ablate", "MODEL", "--backends", "m31/raw", "--fresh", "--out", "OUT"],
        ["ablate", "MODEL", "--backends", "m31/raw", "--grid", "field=m31", "--out", "OUT"],
        ["ablate", "MODEL", "--grid", "security=100", "--security", "100", "--out", "OUT"],
        ["ablate", "MODEL", "--grid", "", "--out", "OUT"],
        ["ablate", "MODEL", "--runs", "0", "--out", "OUT"],
        ["ablate", "MODEL", "--grid", "code=raw", "--cell-timeout", "0", "--out", "OUT"],
        ["ablate", "MODEL", "--grid", "code=raw", "--cell-timeout", "nan", "--out", "OUT"],
        ["ablate", "MODEL", "--grid", "code=raw", "--cell-timeout", "inf", "--out", "OUT"],
        ["ablate", "MODEL", "--grid", "code=orion", "--grid", "colour=red", "--out", "OUT"],
        ["inspect", "MODEL", "--field", "m61"],
        ["prove", "MODEL", "--prompt", "a", "--tokens", "f", "--out", "OUT"],
        ["prove", "MODEL", "--prompt", "a"],
        ["setup", "--out", "OUT"],
        ["verify", "OUT"],
        ["run", "MODEL", "--threads", "0"],
        ["setup", "MODEL", "--out", "OUT", "--security", "300"],
        ["nonsense"],
    ])
    func wrongUsage(_ arguments: [String]) throws {
        let folder = try Folder()
        let out = folder.path + "/out"
        let run = try Command.run(
            arguments.map { $0 == "MODEL" ? Command.model("tiny-llama") : $0 == "OUT" ? out : $0 })
        #expect(run.status == 64)
        #expect(run.output == "" && !run.errors.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: out))
    }

    @Test func checksAReferenceString() throws {
        let folder = try Folder()
        var powers = samplePtau(power: 5, g2: 4, tau: BN254Scalar(77))
        try folder.write(Data(powers), "powers.ptau")
        let good = try Command.run(["srs", folder.path + "/powers.ptau", "--json"])
        #expect(good.status == 0 && !good.output.contains("INSECURE"), "\(good.errors)")
        #expect(try good.json()["powers"] as? Int == 63)
        // One power exchanged with another: on the curve, and not a power.
        let other = samplePtau(power: 5, g2: 4, tau: BN254Scalar(78))
        let place = 12 + 12 + 44 + 12 + 12 + 64 * 40
        powers.replaceSubrange(place..<place + 64, with: other[place..<place + 64])
        try folder.write(Data(powers), "wrong.ptau")
        let wrong = try Command.run(["srs", folder.path + "/wrong.ptau"])
        #expect(wrong.status == 65 && wrong.errors.contains("one tau"), "\(wrong.errors)")
        #expect(try Command.run(["srs", folder.path + "/wrong.ptau", "--powers", "40"]).status == 0)
        for name in ["none.ptau", ""] { #expect(try Command.run(["srs", folder.path + "/" + name]).status == 65) }
        let develop = ["srs", folder.path + "/x-INSECURE.ptau", "--develop", "4"]
        let made = try Command.run(develop)
        #expect(made.status == 0 && made.output.contains("INSECURE development"), "\(made.errors)")
        #expect(try Command.run(["srs", folder.path + "/x.ptau", "--develop", "4"]).status == 65)
    }

    @Test func unknownBackendSaysWhichThereAre() throws {
        let run = try Command.run(["setup", Command.model("tiny-llama"), "--backend", "m31/kzg", "--out", "nowhere"])
        #expect(run.errors.contains("m31/kzg") && run.errors.contains("bn254/orion-expander"))
    }

    @Test(arguments: [
        ["--prompt", ""], ["--prompt", String(repeating: "x", count: 65)], ["--tokens", "FILE:256"],
        ["--tokens", "FILE:-1"],
        ["--tokens", "FILE:1 two 3"], ["--tokens", "FILE:"], ["--tokens", "FILE:99999999999999999999"],
    ])
    func badPrompt(_ options: [String]) throws {
        let folder = try Folder()
        let arguments = try options.map { option in
            guard option.hasPrefix("FILE:") else { return option }
            try folder.write(Data(option.dropFirst(5).utf8), "tokens")
            return folder.path + "/tokens"
        }
        for command in [
            ["prove", "--backend", "m31/raw", "--out", folder.path + "/out"], ["run"],
            ["ablate", "--out", folder.path + "/out"],
        ] {
            let run = try Command.run([command[0], Command.model("tiny-llama")] + command.dropFirst() + arguments)
            #expect(run.status == 65, "\(command[0]) \(options)")
            #expect(run.errors.contains("assay: error: ") && run.output == "")
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/out"))
        }
    }

    @Test(arguments: ["truncated", "huge header", "nan", "architecture", "shape", "no calibration", "not json"])
    func badModel(_ damage: String) throws {
        let model = try Folder.copy(of: Command.model("tiny-llama"))
        var weights = try model.read("model.safetensors")
        var config = String(decoding: try model.read("config.json"), as: UTF8.self)
        switch damage {
        case "truncated": weights.removeLast(1000)
        case "huge header": weights.replaceSubrange(0..<8, with: [0, 0, 0, 0, 0, 0, 0, 0x10])
        case "nan": weights.replaceSubrange(weights.count - 4..<weights.count, with: [0, 0, 0xc0, 0x7f])
        case "architecture": config = config.replacingOccurrences(of: "\"llama\"", with: "\"mamba\"")
        case "shape":
            config = config.replacingOccurrences(of: "\"intermediate_size\": 48", with: "\"intermediate_size\": 47")
        case "not json": config = "hidden_size = 32"
        default: try FileManager.default.removeItem(atPath: model.path + "/calibration.bin")
        }
        try model.write(weights, "model.safetensors")
        try model.write(Data(config.utf8), "config.json")
        let run = try Command.run(["setup", model.path, "--out", model.path + "/keys", "--json"])
        #expect(run.status == 65, "\(run.errors)")
        #expect(run.errors.hasPrefix("assay: error: ") && !run.errors.contains("Fatal"))
        #expect(try run.json()["status"] as? Int == 65)
        #expect(!FileManager.default.fileExists(atPath: model.path + "/keys"))
    }

    @Test func missingFiles() throws {
        let proved = try Proved.shared.get()
        let folder = try Folder()
        let llama = Command.model("tiny-llama")
        let none = folder.path + "/none"
        for arguments in [
            ["setup", none, "--out", folder.path + "/keys"],
            ["run", llama, "--tokens", none],
            ["prove", llama, "--keys", none, "--prompt", "a", "--out", folder.path + "/out"],
            ["verify", none, "--key", proved.keys.path + "/verifying.key"],
            ["verify", proved.proof.path, "--key", none],
            ["verify", proved.proof.path, "--key", folder.path],
        ] {
            let run = try Command.run(arguments)
            #expect(run.status == 74, "\(arguments)")
            #expect(run.errors.contains(arguments.contains(none) ? none : folder.path) && run.output == "")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }

    @Test func outputIsAFile() throws {
        let folder = try Folder()
        try folder.write(Data("keep".utf8), "taken")
        for out in ["taken", "taken/below"] {
            let run = try Command.run(["setup", Command.model("tiny-llama"), "--out", folder.path + "/" + out])
            #expect(run.status == 74, "\(run.errors)")
        }
        #expect(try folder.read("taken") == Data("keep".utf8))
    }

    /// Files end at 8 KiB here, as on a disk that is full.
    @Test func fullDisk() throws {
        let folder = try Folder()
        let full = "trap '' XFSZ; ulimit -f 8"
        let out = folder.path + "/out"
        for arguments in [
            ["setup", Command.model("tiny-llama"), "--backend", "m31/orion", "--out", out],
            ["prove", Command.model("tiny-llama"), "--backend", "m31/orion", "--prompt", "And", "--out", out],
        ] {
            let run = try Command.run(arguments, after: full)
            #expect(run.status == 74, "\(run.errors)")
            #expect(!FileManager.default.fileExists(atPath: out))
            // A folder that was there stays, and what was in it.
            let kept = try Folder()
            try kept.write(Data("old".utf8), "proof.bin")
            let again = try Command.run(arguments.dropLast() + [kept.path], after: full)
            #expect(again.status == 74)
            #expect(try kept.read("proof.bin") == Data("old".utf8))
            #expect(try kept.leftovers() == [])
            #expect(!FileManager.default.fileExists(atPath: kept.path + "/statement.json"))
        }
    }

    @Test func resultThatCannotBeWritten() throws {
        let run = try Command.run(["run", Command.model("tiny-llama"), "--prompt", "And"], output: "/dev/full")
        #expect(run.status == 74 && run.errors.contains("cannot be written"))
    }

    @Test func controlCharactersAreNotPrinted() throws {
        let run = try Command.run(["run", Command.model("tiny-llama"), "--prompt", "a\u{1B}[31m\u{7}\"b"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("a\\x1b[31m\\x07\\\"b") && !run.output.contains("\u{1B}"))
    }
}
