import Fields
import Testing
import Transcripts

@Suite struct TranscriptTests {
    func prover(_ hash: HashFunction = .blake3, domain: String = "test") -> ProverTranscript {
        ProverTranscript(domain: domain, hash: hash)
    }

    func expectRejected(_ check: String, _ body: () throws -> Void) {
        do {
            try body()
            Issue.record("accepted")
        } catch let error as VerificationError {
            #expect(error.check == check)
        } catch {
            Issue.record(error)
        }
    }

    /// What is drawn after grinding depends on the number that was found, and on nothing that is sent without it.
    @Test(arguments: HashFunction.allCases) func grinding(_ hash: HashFunction) throws {
        let transcript = prover(hash)
        transcript.absorb("statement", [1, 2, 3])
        transcript.grind("work", bits: 3)
        let words = transcript.challengeWords("after", count: 4)
        func verifier(_ proof: [UInt8]) -> VerifierTranscript {
            let transcript = VerifierTranscript(domain: "test", hash: hash, proof: proof)
            transcript.absorb("statement", [1, 2, 3])
            return transcript
        }
        let honest = verifier(transcript.proof)
        try honest.checkGrinding("work", bits: 3)
        #expect(honest.challengeWords("after", count: 4) == words)
        var (good, bad) = (0, 0)
        for number in 0..<64 where transcript.proof[0] != number {
            let other = verifier([UInt8(number)] + [UInt8](repeating: 0, count: 7))
            do {
                try other.checkGrinding("work", bits: 3)
                good += 1
                #expect(other.challengeWords("after", count: 4) != words)
            } catch let error as VerificationError {
                bad += 1
                #expect(error.check == "work")
            }
        }
        // One in eight by chance.
        #expect(good >= 1 && bad > 32)
        let none = prover(hash)
        none.grind("work", bits: 0)
        #expect(none.proof.isEmpty)
    }

    /// Pinned against an implementation of the documentation in another language (Python, hashlib, the official BLAKE3,
    /// PyCryptodome, `Experiments/poseidon2`): a change here makes every existing proof invalid.
    @Test(arguments: HashFunction.allCases) func knownAnswers(_ hash: HashFunction) {
        let transcript = prover(hash)
        transcript.absorb("bytes", [1, 2, 3])
        transcript.absorb("elements", [SmallField(1), SmallField(2), SmallField(-1)])
        transcript.absorb("integer", integer: 77)
        transcript.absorb("string", string: "n\u{e4}h")
        let words = transcript.challengeWords("words", count: 5)
        let elements: [SmallField] = transcript.challenges("field", count: 3)
        let indices = transcript.distinctIndices("indices", count: 5, bound: 1000)
        transcript.absorb("more", [UInt8]())
        let last = transcript.challengeWords("last", count: 40)
        switch hash {
        case .blake3:
            #expect(
                words == [
                    0x202a_5639_e4a4_1ffa, 0x40bb_d9d5_7f58_ebf8, 0x9c00_c877_883c_5a08, 0xa057_154d_0140_8ad7,
                    0x05db_4a18_cf69_fe59,
                ])
            #expect(elements.map(\.value) == [48730, 7228, 51822])
            #expect(indices == [313, 547, 584, 632, 958])
            #expect(last[39] == 0x20a9_cc00_5647_0352)
        case .sha256:
            #expect(
                words == [
                    0x1453_6a14_931f_a34c, 0x03c9_0e04_b97d_6016, 0x680d_0e15_2e5b_ecef, 0x12e0_0129_8f62_3f48,
                    0x65ff_a2b1_47c6_7731,
                ])
            #expect(elements.map(\.value) == [34703, 14312, 5191])
            #expect(indices == [238, 443, 642, 798, 932])
            #expect(last[39] == 0x812b_f8fe_45fd_68e1)
        case .keccak256:
            #expect(
                words == [
                    0xe8e5_c22f_39d7_9451, 0x9051_2552_be19_10ae, 0x1bfe_4de2_f0b4_2738, 0xf629_ca8d_be53_341f,
                    0x8fce_9083_6217_d482,
                ])
            #expect(elements.map(\.value) == [56410, 45700, 65225])
            #expect(indices == [136, 140, 487, 564, 574])
            #expect(last[39] == 0xd427_ea3e_80ad_8a01)
        case .poseidon2M31:
            #expect(
                words == [
                    0xdb26_c530_3379_89dd, 0x8818_24a5_12bd_84d9, 0x36cc_cdef_31aa_d7d3, 0x6855_cb4f_28fb_6efe,
                    0xd757_dc44_e086_6061,
                ])
            #expect(elements.map(\.value) == [17227, 14443, 43384])
            #expect(indices == [247, 339, 500, 904, 991])
            #expect(last[39] == 0xfc5d_94f5_d6c2_ace9)
        case .poseidon2Goldilocks:
            #expect(
                words == [
                    0xfc36_c673_9bef_81c4, 0x535c_0d19_1684_4665, 0x66fc_8093_ff98_e263, 0x4ef9_ff4e_2a10_1e6d,
                    0xfc9e_1797_1c37_4353,
                ])
            #expect(elements.map(\.value) == [52062, 8250, 16023])
            #expect(indices == [1, 141, 172, 622, 964])
            #expect(last[39] == 0xc030_24f5_50b5_fbfc)
        case .poseidon2BN254:
            #expect(
                words == [
                    0x4890_a973_1138_5b55, 0xa22d_8e05_3225_b867, 0x35e5_3224_1b5e_7b11, 0x2de9_69e5_e98e_049e,
                    0xf1f5_ef64_3f31_bfcb,
                ])
            #expect(elements.map(\.value) == [26704, 35093, 39343])
            #expect(indices == [120, 503, 710, 807, 892])
            #expect(last[39] == 0xefce_2c17_5c64_8b97)
        }
    }

    @Test(arguments: HashFunction.allCases) func proverAndVerifierAgree(_ hash: HashFunction) throws {
        var random = Seeded(state: 1)
        let root = random.digest()
        let elements = (0..<7).map { SmallField($0 * 9999) }

        let p = prover(hash)
        p.absorb("public", integer: 5)
        p.send("root", digests: [root])
        let a: SmallField = p.challenge("a")
        p.send("elements", elements)
        p.send("one", SmallField(17))
        p.hint([9, 9, 9])
        p.hint(digests: [root, .zero])
        let b: [SmallField] = p.challenges("b", count: 10)
        p.send("bytes", bytes: [1, 2])
        p.send("nothing", [SmallField]())
        let c = p.distinctIndices("c", count: 20, bound: 64)

        let v = VerifierTranscript(domain: "test", hash: hash, proof: p.proof)
        v.absorb("public", integer: 5)
        #expect(try v.receiveDigests("root", count: 1) == [root])
        #expect(v.challenge("a") == a)
        #expect(try v.receive("elements", count: 7) == elements)
        #expect(try v.receiveOne("one") == SmallField(17))
        #expect(Array(try v.hint(count: 3)) == [9, 9, 9])
        #expect(try v.hintDigests(count: 2) == [root, .zero])
        #expect(v.challenges("b", count: 10) == b)
        #expect(try v.receiveBytes("bytes", count: 2) == [1, 2])
        #expect(try v.receive("nothing", count: 0) == [SmallField]())
        #expect(v.distinctIndices("c", count: 20, bound: 64) == c)
        #expect(v.remaining == 0)
        try v.finish()
    }

    /// Ways to say nearly the same thing: all draw different challenges.
    @Test(arguments: HashFunction.allCases) func everythingAbsorbedCounts(_ hash: HashFunction) {
        typealias Script = (String, (ProverTranscript) -> Void)
        let one = SmallField(1)
        let two = SmallField(2)
        let scripts: [Script] = [
            ("nothing", { _ in }),
            ("bytes", { $0.absorb("a", [1, 2]) }),
            (
                "split",
                {
                    $0.absorb("a", [1])
                    $0.absorb("a", [2])
                }
            ),
            (
                "split with an empty part",
                {
                    $0.absorb("a", [1, 2])
                    $0.absorb("a", [UInt8]())
                }
            ),
            ("empty", { $0.absorb("a", [UInt8]()) }),
            ("one byte changed", { $0.absorb("a", [1, 3]) }),
            ("order", { $0.absorb("a", [2, 1]) }),
            ("label", { $0.absorb("b", [1, 2]) }),
            ("longer label", { $0.absorb("ab", [1, 2]) }),
            ("label taking from the bytes", { $0.absorb("a\u{1}", [2]) }),
            ("elements", { $0.absorb("a", [one, two]) }),
            ("elements as bytes", { $0.absorb("a", [1, 0, 2, 0]) }),
            (
                "elements split",
                {
                    $0.absorb("a", one)
                    $0.absorb("a", two)
                }
            ),
            ("elements with a zero", { $0.absorb("a", [one, two, .zero]) }),
            ("elements of another type", { $0.absorb("a", [WideField(1 | 2 << 16)]) }),
            ("integer", { $0.absorb("a", integer: 0x0201) }),
            ("integer as bytes", { $0.absorb("a", [1, 2, 0, 0, 0, 0, 0, 0]) }),
            ("string", { $0.absorb("a", string: "\u{1}\u{2}") }),
            (
                "two entries",
                {
                    $0.absorb("a", [1, 2])
                    $0.absorb("b", [3])
                }
            ),
            (
                "two entries exchanged",
                {
                    $0.absorb("b", [3])
                    $0.absorb("a", [1, 2])
                }
            ),
            (
                "a challenge before",
                {
                    _ = $0.challengeWords("x", count: 1)
                    $0.absorb("a", [1, 2])
                }
            ),
            (
                "two challenges before",
                {
                    _ = $0.challengeWords("x", count: 1)
                    _ = $0.challengeWords("x", count: 1)
                    $0.absorb("a", [1, 2])
                }
            ),
            (
                "a challenge between",
                {
                    $0.absorb("a", [1])
                    _ = $0.challengeWords("x", count: 1)
                    $0.absorb("a", [2])
                }
            ),
        ]
        var seen: [UInt64: String] = [:]
        func note(_ name: String, _ word: UInt64) {
            if let other = seen[word] { Issue.record("\(name) and \(other) draw the same") }
            seen[word] = name
        }
        for (name, script) in scripts {
            let transcript = prover(hash)
            script(transcript)
            note(name, transcript.challengeWords("challenge", count: 1)[0])
        }
        note("another domain", prover(hash, domain: "tests").challengeWords("challenge", count: 1)[0])
        note("another label", prover(hash).challengeWords("challenges", count: 1)[0])
        let twice = prover(hash)
        _ = twice.challengeWords("challenge", count: 1)
        note("drawn twice", twice.challengeWords("challenge", count: 1)[0])
        for other in HashFunction.allCases where other != hash {
            note("another hash", prover(other).challengeWords("challenge", count: 1)[0])
        }
    }

    @Test func everyBitCounts() {
        func draw(_ bytes: [UInt8]) -> UInt64 {
            let transcript = prover()
            transcript.absorb("a", bytes)
            return transcript.challengeWords("c", count: 1)[0]
        }
        let bytes = pattern(150)
        var seen: Set = [draw(bytes)]
        for bit in 0..<8 * bytes.count {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(seen.insert(draw(changed)).inserted)
        }
    }

    /// What is the same by definition: one element or an array of one, raw bytes or an array, digests or their bytes,
    /// sending or absorbing; and how many words are drawn does not matter to what follows.
    @Test func equivalences() {
        func draw(_ script: (ProverTranscript) -> Void) -> UInt64 {
            let transcript = prover()
            script(transcript)
            return transcript.challengeWords("c", count: 1)[0]
        }
        let digest = HashFunction.blake3.hash([1])
        #expect(draw { $0.absorb("a", SmallField(3)) } == draw { $0.send("a", [SmallField(3)]) })
        #expect(
            draw { $0.absorb("a", [1, 2]) } == draw { t in [UInt8]([1, 2]).withUnsafeBytes { t.absorb("a", raw: $0) } })
        #expect(draw { $0.absorb("a", raw: .init(start: nil, count: 0)) } == draw { $0.send("a", bytes: []) })
        #expect(draw { $0.absorb("a", digests: [digest]) } == draw { $0.send("a", bytes: digest.bytes) })
        #expect(draw { $0.hint([1]) } == draw { _ in })
        #expect(
            draw { _ = $0.challengeWords("x", count: 1) } == draw { _ = $0.challengeWords("x", count: 1000) })
        let long = prover().challengeWords("x", count: 1000)
        for count in [0, 1, 4, 5, 8, 9, 64, 300] {
            #expect(prover().challengeWords("x", count: count) == Array(long[..<count]))
        }
        #expect(Set(long).count == 1000)
    }

    // MARK: Indices

    @Test func indicesAreDistinctAndRising() {
        let transcript = prover()
        for (count, bound) in [(0, 0), (0, 5), (1, 1), (5, 5), (4, 5), (1, 5), (100, 100), (99, 100), (1000, 1 << 20)] {
            let indices = transcript.distinctIndices("i", count: count, bound: bound)
            #expect(indices.count == count)
            #expect(zip(indices, indices.dropFirst()).allSatisfy { $0 < $1 })
            #expect(indices.allSatisfy { 0..<bound ~= $0 })
        }
        #expect(transcript.distinctIndices("all", count: 50_000, bound: 50_000) == Array(0..<50_000))
        #expect(transcript.distinctIndices("far", count: 3, bound: .max).count == 3)
    }

    /// All subsets equally often: chi-squared over the 20 subsets of three of six.
    @Test(arguments: HashFunction.allCases) func indicesAreUniform(_ hash: HashFunction) {
        let transcript = prover(hash)
        var seen: [[Int]: Double] = [:]
        let draws = 20_000.0
        for _ in 0..<Int(draws) { seen[transcript.distinctIndices("i", count: 3, bound: 6), default: 0] += 1 }
        #expect(seen.count == 20)
        let chi = seen.values.reduce(0) { $0 + ($1 - draws / 20) * ($1 - draws / 20) / (draws / 20) }
        // 19 degrees of freedom: above 60 with probability 4e-6, and the transcript is fixed.
        #expect(chi < 60)
    }

    @Test func challengesAreUniform() {
        var bins = [Double](repeating: 0, count: 16)
        let challenges: [SmallField] = prover().challenges("c", count: 16_000)
        for challenge in challenges { bins[Int(challenge.value * 16 / SmallField.modulus)] += 1 }
        let chi = bins.reduce(0) { $0 + ($1 - 1000) * ($1 - 1000) / 1000 }
        #expect(chi < 60)
    }

    // MARK: Hostile proofs

    @Test func truncatedProofsAreRejected() {
        let p = prover()
        p.send("elements", (0..<5).map { SmallField($0) })
        p.send("bytes", bytes: [1, 2, 3])
        p.hint([4, 5])
        func read(_ proof: [UInt8]) throws {
            let v = VerifierTranscript(domain: "test", hash: .blake3, proof: proof)
            let _: [SmallField] = try v.receive("elements", count: 5)
            _ = try v.receiveBytes("bytes", count: 3)
            _ = try v.hint("column", count: 2)
            try v.finish()
        }
        #expect(throws: Never.self) { try read(p.proof) }
        for count in 0..<10 { expectRejected("elements") { try read(Array(p.proof[..<count])) } }
        for count in 10..<13 { expectRejected("bytes") { try read(Array(p.proof[..<count])) } }
        for count in 13..<15 { expectRejected("column") { try read(Array(p.proof[..<count])) } }
        expectRejected("end of proof") { try read(p.proof + [0]) }
    }

    @Test func countsAreNotTrusted() {
        let v = VerifierTranscript(domain: "test", hash: .blake3, proof: [1, 2, 3, 4])
        for count in [3, Int.max, Int.max / 2 + 1, -1, Int.min] {
            expectRejected("x") { let _: [SmallField] = try v.receive("x", count: count) }
            expectRejected("d") { _ = try v.receiveDigests("d", count: count) }
        }
        for count in [5, Int.max, -1, Int.min] {
            expectRejected("b") { _ = try v.receiveBytes("b", count: count) }
            expectRejected("hint") { _ = try v.hint(count: count) }
        }
        expectRejected("hint") { _ = try v.hintDigests(count: 1) }
        // Nothing was consumed.
        #expect(v.remaining == 4)
    }

    @Test func nonCanonicalElementsAreRejected() throws {
        for value in 65521...65535 {
            let proof: [UInt8] = [1, 0, UInt8(value & 0xff), UInt8(value >> 8)]
            let v = VerifierTranscript(domain: "test", hash: .sha256, proof: proof)
            expectRejected("x") { let _: [SmallField] = try v.receive("x", count: 2) }
        }
        let v = VerifierTranscript(domain: "test", hash: .sha256, proof: [0xf0, 0xff])
        #expect(try v.receiveOne("x") == SmallField(-1))
    }

    /// A verifier that is sent something else draws something else.
    @Test func aChangedMessageChangesTheChallenge() throws {
        let p = prover()
        p.send("x", [SmallField(5)])
        let honest: SmallField = p.challenge("c")
        let v = VerifierTranscript(domain: "test", hash: .blake3, proof: [6, 0])
        let _: [SmallField] = try v.receive("x", count: 1)
        #expect(v.challenge("c", as: SmallField.self) != honest)
    }

    // MARK: Branches

    /// The bytes that the documentation says are hashed, put together here.
    @Test func branchesAreWhatTheDocumentationSays() {
        func number(_ n: Int) -> [UInt8] { withUnsafeBytes(of: UInt64(n).littleEndian) { Array($0) } }
        func entry(_ kind: UInt8, _ label: String, _ payload: [UInt8]) -> [UInt8] {
            [kind] + number(label.utf8.count) + Array(label.utf8) + number(payload.count) + payload
        }
        func ratchet(_ state: Digest, _ entries: [UInt8]) -> Digest {
            HashFunction.sha256.hash(Array("ratchet1".utf8) + state.bytes + entries)
        }
        func firstWord(_ state: Digest) -> UInt64 {
            HashFunction.sha256.hash(Array("squeeze1".utf8) + state.bytes + number(0)).words[0]
        }
        let p = prover(.sha256)
        p.absorb("x", [1])
        let branches = p.fork("parts", count: 3)
        let forked = ratchet(
            .zero,
            entry(0, "Assay transcript 1", Array("sha256 test".utf8)) + entry(2, "x", [1])
                + entry(1, "parts", number(0)))
        var joined: [UInt8] = []
        for (i, branch) in branches.enumerated() {
            branch.send("y", bytes: [UInt8](repeating: 7, count: i))
            let state = ratchet(
                forked,
                entry(6, "parts", number(i)) + entry(2, "y", [UInt8](repeating: 7, count: i))
                    + entry(1, "c", number(0)))
            #expect(branch.challengeWords("c", count: 1) == [firstWord(state)])
            joined += ratchet(state, entry(1, "parts", number(1))).bytes
        }
        p.join("parts", branches)
        let last = ratchet(forked, entry(2, "parts", joined) + entry(1, "d", number(1)))
        #expect(p.challengeWords("d", count: 1) == [firstWord(last)])
        #expect(p.proof == [7, 7, 7])
    }

    @Test(arguments: HashFunction.allCases) func branchesAgree(_ hash: HashFunction) throws {
        let p = prover(hash)
        p.send("before", SmallField(3))
        let branches = p.fork("parts", count: 4)
        var drawn = [SmallField](repeating: .zero, count: 4)
        // In any order: branches need nothing of each other.
        for i in [2, 0, 3, 1] {
            branches[i].send("message", SmallField(Int64(10 + i)))
            drawn[i] = branches[i].challenge("c")
            branches[i].send("answer", drawn[i] + SmallField(1))
        }
        p.join("parts", branches)
        p.send("after", SmallField(4))
        let last: SmallField = p.challenge("last")

        let v = VerifierTranscript(domain: "test", hash: hash, proof: p.proof)
        #expect(try v.receiveOne("before") == SmallField(3))
        let others = v.fork("parts", count: 4)
        for i in 0..<4 {
            #expect(try others[i].receiveOne("message") == SmallField(Int64(10 + i)))
            #expect(others[i].challenge("c") == drawn[i])
            #expect(try others[i].receiveOne("answer") == drawn[i] + SmallField(1))
        }
        v.join("parts", others)
        #expect(try v.receiveOne("after") == SmallField(4))
        #expect(v.challenge("last") == last)
        try v.finish()
    }

    /// Everything before the fork, the branch's number and its messages count for a branch; every message of every branch, the
    /// last too, counts for what follows; and a branch is not its sibling, its parent or a fork of another number.
    @Test func branchesAreBound() {
        func draw(
            before: Int64 = 1, label: StaticString = "parts", count: Int = 2, messages: [Int64] = [5, 6],
            tails: [Int64] = [7, 8]
        ) -> (branches: [UInt64], after: UInt64) {
            let p = prover()
            p.send("before", SmallField(before))
            let branches = p.fork(label, count: count)
            var drawn: [UInt64] = []
            for (i, branch) in branches.enumerated() {
                branch.send("m", SmallField(messages[i]))
                drawn += branch.challengeWords("c", count: 1)
                branch.send("tail", SmallField(tails[i]))
            }
            p.join(label, branches)
            return (drawn, p.challengeWords("c", count: 1)[0])
        }
        let honest = draw()
        #expect(honest.branches[0] != honest.branches[1] && !honest.branches.contains(honest.after))
        let same = draw(messages: [5, 5])
        #expect(same.branches[0] != same.branches[1])
        #expect(same.branches[0] == honest.branches[0] && same.after != honest.after)
        for other in [
            draw(before: 2), draw(label: "other"), draw(messages: [6, 5]), draw(messages: [9, 9]),
        ] {
            #expect(Set(other.branches).isDisjoint(with: honest.branches) && other.after != honest.after)
        }
        for other in [draw(tails: [7, 9]), draw(tails: [8, 7]), draw(count: 1), draw(messages: [5, 9])] {
            #expect(other.branches[0] == honest.branches[0] && other.after != honest.after)
        }
        // Without a fork the same messages draw something else.
        let p = prover()
        p.send("before", SmallField(1))
        p.send("m", SmallField(5))
        #expect(p.challengeWords("c", count: 1)[0] != honest.branches[0])
    }

    @Test func errorsReadWell() {
        let error = VerificationError(check: "sumcheck", detail: "round 3 does not add up")
        #expect("\(error)" == "sumcheck: round 3 does not add up")
    }
}

/// As `SmallField`, in encodings of four bytes.
struct WideField: Field {
    let inner: Int64
    init(_ integer: Int64) { inner = integer }
    static var zero: WideField { .init(0) }
    static var one: WideField { .init(1) }
    static func + (a: WideField, b: WideField) -> WideField { .init(a.inner + b.inner) }
    static func - (a: WideField, b: WideField) -> WideField { .init(a.inner - b.inner) }
    static func * (a: WideField, b: WideField) -> WideField { .init(a.inner * b.inner) }
    static prefix func - (a: WideField) -> WideField { .init(-a.inner) }
    func inverse() -> WideField? { nil }
    static var byteCount: Int { 4 }
    func write(to bytes: UnsafeMutableRawPointer) { bytes.storeBytes(of: UInt32(inner), as: UInt32.self) }
    init?(canonical bytes: UnsafeRawPointer) { inner = Int64(bytes.loadUnaligned(as: UInt32.self)) }
    static func uniform(_ next: () -> UInt64) -> WideField { .init(Int64(next() & 0xffff)) }
    var description: String { "\(inner)" }
}
