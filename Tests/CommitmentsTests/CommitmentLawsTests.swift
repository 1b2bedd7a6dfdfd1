import Commitments
import Fields
import Tensors
import TestSupport
import Testing
import Transcripts

@Suite struct CommitmentLawsTests {
    private func check<S: CommitmentScheme>(
        _: S.Type, securityBits: Int = 100, hash: HashFunction = .blake3, _ options: String? = nil
    ) throws {
        let options = try options.map { try #require(CommitmentOptions($0)) } ?? CommitmentOptions()
        let failures = try checkCommitmentLaws(
            S.self, securityBits: securityBits, hash: hash, options: options)
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }

    @Test func rawOverMersenne31() throws { try check(RawScheme<Mersenne31>.self) }
    @Test func rawOverGoldilocks() throws { try check(RawScheme<GoldilocksField>.self) }
    @Test func rawOverBN254() throws { try check(RawScheme<BN254ScalarField>.self, hash: .sha256) }

    @Test(arguments: HashFunction.allCases)
    func orionOverMersenne31(hash: HashFunction) throws { try check(OrionScheme<Mersenne31>.self, hash: hash) }
    @Test(arguments: [HashFunction.blake3, .poseidon2Goldilocks])
    func orionOverGoldilocks(hash: HashFunction) throws { try check(OrionScheme<GoldilocksField>.self, hash: hash) }
    @Test func orionOverBN254() throws { try check(OrionScheme<BN254ScalarField>.self, securityBits: 128) }

    @Test(arguments: [HashFunction.blake3, .poseidon2BN254])
    func kzgOverBN254(hash: HashFunction) throws { try check(KZGScheme.self, hash: hash) }

    @Test func expanderOverMersenne31() throws { try check(OrionExpanderScheme<Mersenne31>.self) }
    @Test func expanderOverGoldilocks() throws { try check(OrionExpanderScheme<GoldilocksField>.self, hash: .sha256) }
    @Test func expanderOverBN254() throws { try check(OrionExpanderScheme<BN254ScalarField>.self, securityBits: 128) }

    @Test(arguments: [HashFunction.blake3, .sha256, .keccak256, .poseidon2M31])
    func friOverMersenne31(hash: HashFunction) throws { try check(FRIScheme<Mersenne31>.self, hash: hash) }
    @Test(arguments: [HashFunction.blake3, .poseidon2Goldilocks])
    func friOverGoldilocks(hash: HashFunction) throws { try check(FRIScheme<GoldilocksField>.self, hash: hash) }
    @Test func friOverBN254() throws { try check(FRIScheme<BN254ScalarField>.self, securityBits: 128) }
    /// Without grinding: that is 2^16 hashes for each proof.
    @Test func friOverBN254WithItsOwnHash() throws {
        try check(FRIScheme<BN254ScalarField>.self, securityBits: 80, hash: .poseidon2BN254, "grinding=0")
    }

    /// Every choice that a user may make.
    @Test(arguments: [
        "rate=1/16:arity=2", "columns=2:rate=1/4", "columns=64:arity=16:cap=8", "columns=32768:arity=8:grinding=0",
        "columns=1024:queries=250:grinding=3:cap=64",
    ])
    func friOptions(options: String) throws {
        try check(FRIScheme<Mersenne31>.self, options)
        if options.contains("columns=1024") { try check(FRIScheme<GoldilocksField>.self, securityBits: 90, options) }
    }

    @Test(arguments: [
        "switch=off", "switch=on", "switch=on:rate=1/4:arity=4:grinding=0", "switch=on:columns=8",
        "columns=4096:cap=16",
        "switch=on:columns=4096:queries=400:grinding=5",
    ])
    func orionOptions(options: String) throws {
        try check(OrionScheme<Mersenne31>.self, securityBits: 95, options)
        if ["switch=off", "switch=on"].contains(options) { try check(OrionScheme<GoldilocksField>.self, options) }
    }

    /// Bits of grinding are bits that the drawn columns need not give, and count in the budget.
    @Test(arguments: ["switch=off", "switch=on"])
    func grindingForColumns(rows: String) throws {
        func scheme(_ options: String) throws -> OrionScheme<Mersenne31> {
            try OrionScheme(
                shapes: [CommittedShape(shape: TensorShape([64, 4096]), range: -128...127)],
                settings: CommitmentSettings(
                    securityBits: 100, hash: .blake3,
                    options: try #require(CommitmentOptions("\(rows):rate=1/2:columns=4096:\(options)"))))
        }
        var counts: [Int] = []
        for bits in [0, 8, 16] {
            let made = try scheme("grinding=\(bits)")
            counts.append(made.queries)
            let component = try #require(made.budget.components.first { $0.name == "column queries" })
            #expect(component.bits >= 103 && component.bits < 104)
            // One column fewer, and the level of the columns is missed.
            let few = try scheme("grinding=\(bits):queries=\(made.queries - 1)")
            #expect(few.budget.components.first { $0.name == "column queries" }!.bits < 103)
        }
        // Of 8192 columns 2048 and more are wrong: a column gives log2(4/3) = 0.415 bits and, without replacement, a little more.
        #expect(counts[0] > counts[1] && counts[1] > counts[2])
        #expect((36...39).contains(counts[0] - counts[2]), "\(counts)")
        #expect(try scheme("cap=1").queries == counts[0])
    }

    /// What the cost model chooses is one of the two; each is here by name.
    @Test(arguments: ["switch=off:columns=256", "switch=on:columns=256"])
    func switchesOverBN254(options: String) throws { try check(OrionScheme<BN254ScalarField>.self, options) }
    @Test(arguments: ["switch=off", "switch=on"])
    func switchesOfExpander(options: String) throws {
        try check(OrionExpanderScheme<Mersenne31>.self, options)
        try check(OrionExpanderScheme<GoldilocksField>.self, options + ":columns=2048")
        try check(OrionExpanderScheme<BN254ScalarField>.self, options + ":columns=128")
    }
    @Test func kzgOptions() throws { try check(KZGScheme.self, "columns=64") }

    /// Of all schemes raw alone looks at ranges: a prover who commits to an entry outside, which `commit` would refuse.
    @Test func rawRange() throws {
        let range: ClosedRange<Int64> = -3...100
        let shape = CommittedShape(shape: TensorShape([4]), range: range)
        let scheme = try RawScheme<Mersenne31>(shapes: [shape], securityBits: 100, hash: .sha256)
        for (value, check) in [(100, nil), (-3, nil), (101, "raw range"), (-4, "raw range")] as [(Int64, String?)] {
            let vector = IntegerTensor(shape: shape.shape, range: range, values: [5, 6, 7, 8])
            vector.storage[3] = value
            // The digest of the shapes (counts, sizes and ends of ranges), then that of the entries.
            let shapes = [1, 1, 4, -3, 100].flatMap { (number: Int64) in
                withUnsafeBytes(of: number.littleEndian) { Array($0) }
            }
            let entries = [5, 6, 7, UInt8(bitPattern: Int8(value))]
            let hash = HashFunction.sha256
            let commitment = hash.hash(hash.hash(shapes).bytes + hash.hash(entries).bytes).bytes
            let state = try scheme.restoreState([], vectors: [vector], commitment: commitment)
            let trial = OpeningTrial(scheme, [vector], commitment: commitment, state: state, hash: hash)
            let claims = [trial.claim(0, at: [QM31(3), QM31(9)])]
            #expect(trial.rejection(trial.prove(claims), claims)?.check == check, "\(value)")
            #expect(((try? scheme.commit([vector])) == nil) == (check != nil))
        }
    }

    /// Options are read in one way only, and what a scheme does not have is refused.
    @Test func optionNames() throws {
        #expect(CommitmentOptions("arity=8:rate=1/4")?.description == "rate=1/4:arity=8")
        #expect(
            CommitmentOptions("rate=1/2:columns=1024:arity=2:grinding=0:cap=1:queries=7:switch=off")?.keys.count == 7)
        for wrong in [
            "", ":", "rate", "rate=", "rate=1/3", "rate=1/1", "rate=1/32", "rate=1/04", "rate=2", "columns=0",
            "columns=3",
            "columns=1", "columns=+8", "columns=99999999999999999999", "arity=64", "grinding=31", "grinding=-1",
            "cap=8192",
            "queries=0", "queries=5000", "switch=yes", "arity=2:arity=2", "arity=2:", ":arity=2", "Arity=2", "arity=2 ",
            "arity==2",
        ] { #expect(CommitmentOptions(wrong) == nil, "\(wrong)") }
        func refuses<S: CommitmentScheme>(_: S.Type, _ options: String) throws -> Bool {
            let settings = CommitmentSettings(
                securityBits: 100, hash: .blake3, options: try #require(CommitmentOptions(options)),
                publicParameters: try S.makePublicParameters())
            do {
                _ = try S(
                    shapes: [CommittedShape(shape: TensorShape([100]), range: 0...1)], settings: settings)
                return false
            } catch CommitmentError.option {
                return true
            } catch CommitmentError.unreachableSecurity {
                return true
            }
        }
        #expect(try refuses(RawScheme<Mersenne31>.self, "rate=1/2"))
        #expect(try refuses(KZGScheme.self, "arity=2"))
        #expect(try refuses(KZGScheme.self, "columns=2"))
        #expect(try refuses(OrionExpanderScheme<Mersenne31>.self, "rate=1/2"))
        #expect(try refuses(FRIScheme<Mersenne31>.self, "switch=on"))
        // Not more columns than entries: nothing is allocated for a tiny model by a large number in a name.
        #expect(try !refuses(FRIScheme<Mersenne31>.self, "columns=1073741824:rate=1/16"))
        #expect(try !refuses(OrionExpanderScheme<Mersenne31>.self, "columns=4194304"))
        #expect(try !refuses(KZGScheme.self, "columns=67108864"))
        #expect(try refuses(FRIScheme<Mersenne31>.self, "columns=64:queries=2"))
        #expect(try refuses(OrionScheme<Mersenne31>.self, "columns=64:queries=2"))
        #expect(try !refuses(FRIScheme<Mersenne31>.self, "queries=300"))
    }
}
