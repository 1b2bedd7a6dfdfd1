import Commitments
import Fields
import TestSupport
import Testing
import Transcripts

@Suite struct CommitmentLawsTests {
    private func check<S: CommitmentScheme>(_: S.Type, securityBits: Int = 100, hash: HashFunction = .blake3) throws {
        let failures = try checkCommitmentLaws(S.self, securityBits: securityBits, hash: hash)
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }

    @Test func rawOverMersenne31() throws { try check(RawScheme<Mersenne31>.self) }
    @Test func rawOverGoldilocks() throws { try check(RawScheme<GoldilocksField>.self) }
    @Test func rawOverBN254() throws { try check(RawScheme<BN254ScalarField>.self, hash: .sha256) }

    @Test(arguments: HashFunction.allCases)
    func orionOverMersenne31(hash: HashFunction) throws { try check(OrionScheme<Mersenne31>.self, hash: hash) }
    @Test func orionOverGoldilocks() throws { try check(OrionScheme<GoldilocksField>.self) }
    @Test func orionOverBN254() throws { try check(OrionScheme<BN254ScalarField>.self, securityBits: 128) }

    @Test(arguments: HashFunction.allCases)
    func kzgOverBN254(hash: HashFunction) throws { try check(KZGScheme.self, hash: hash) }

    @Test func expanderOverMersenne31() throws { try check(OrionExpanderScheme<Mersenne31>.self) }
    @Test func expanderOverGoldilocks() throws { try check(OrionExpanderScheme<GoldilocksField>.self, hash: .sha256) }
    @Test func expanderOverBN254() throws { try check(OrionExpanderScheme<BN254ScalarField>.self, securityBits: 128) }
}
