import Fields
import Multilinears
import Transcripts

/// One end of the protocol. A block is written once, for both ends: what only a prover can compute stands in closures that a
/// verifier never runs, and what a verifier checks stands in `require`, which does nothing for a prover (a prover that lies
/// must still be able to finish: that is how the tests show that lies are caught).
public final class Channel<F: ProofField> {
    public typealias E = F.Challenge
    public enum End {
        case prover(ProverTranscript)
        case verifier(VerifierTranscript)
    }
    public let end: End
    /// Changes a prover's messages before they are sent: for the dishonest provers of the tests.
    public var tamper: ((_ label: String, _ values: inout [E]) -> Void)?

    /// For each kind of step so far, the numerator N of its soundness error N / |E| (a union bound over all such steps).
    public private(set) var errors: [(name: String, theorem: String, numerator: Double)] = []

    public init(_ end: End) { self.end = end }

    /// Adds `numerator / |E|` to the soundness error.
    public func account(_ name: String, _ theorem: String, _ numerator: Double) {
        if let i = errors.firstIndex(where: { $0.name == name }) {
            errors[i].numerator += numerator
        } else {
            errors.append((name, theorem, numerator))
        }
    }

    // MARK: Branches

    /// Channels for `count` protocols that need nothing of each other's messages (see `Transcript`).
    func fork(_ label: StaticString, count: Int) -> [Channel] {
        switch end {
        case .prover(let transcript): transcript.fork(label, count: count).map { branch(.prover($0)) }
        case .verifier(let transcript): transcript.fork(label, count: count).map { branch(.verifier($0)) }
        }
    }

    private func branch(_ end: End) -> Channel {
        let channel = Channel(end)
        channel.tamper = tamper
        return channel
    }

    /// Goes on after all branches; their errors add up.
    func join(_ label: StaticString, _ branches: [Channel]) {
        for branch in branches {
            for error in branch.errors { account(error.name, error.theorem, error.numerator) }
        }
        switch end {
        case .prover(let transcript):
            transcript.join(
                label, branches.compactMap { if case .prover(let branch) = $0.end { branch } else { nil } })
        case .verifier(let transcript):
            transcript.join(
                label, branches.compactMap { if case .verifier(let branch) = $0.end { branch } else { nil } })
        }
    }

    private static var sumcheckTheorem: String { "degree x rounds / |E|: Lund, Fortnow, Karloff, Nisan 1992" }

    public var transcript: Transcript {
        switch end {
        case .prover(let t): t
        case .verifier(let t): t
        }
    }

    public var isProver: Bool { if case .prover = end { true } else { false } }

    /// The prover computes and sends `count` values, the verifier receives them.
    public func exchange(_ label: StaticString, count: Int, _ compute: () -> [E]) throws -> [E] {
        switch end {
        case .prover(let transcript):
            var values = compute()
            precondition(values.count == count, "\(label): \(values.count) values instead of \(count)")
            tamper?("\(label)", &values)
            transcript.send(label, values)
            return values
        case .verifier(let transcript):
            return try transcript.receive(label, count: count)
        }
    }

    /// Work before the next challenges.
    func grind(_ label: StaticString, bits: Int) throws {
        switch end {
        case .prover(let transcript): transcript.grind(label, bits: bits)
        case .verifier(let transcript): try transcript.checkGrinding(label, bits: bits)
        }
    }

    public func challenge(_ label: StaticString) -> E { transcript.challenge(label) }
    public func challenges(_ label: StaticString, count: Int) -> [E] { transcript.challenges(label, count: count) }

    /// A check of the verifier's.
    public func require(_ condition: @autoclosure () -> Bool, _ check: String, _ detail: @autoclosure () -> String)
        throws
    {
        if case .verifier = end, !condition() { throw VerificationError(check: check, detail: detail()) }
    }

    /// Sum over x of a(x) b(x). Returns the point and what a(point) b(point) must be.
    public func product(
        claim: E, variables: Int, _ tables: () -> (FoldingTable<F>, FoldingTable<F>)
    ) throws -> (point: [E], claim: E) {
        account("node sumchecks", Self.sumcheckTheorem, Double(2 * variables))
        switch end {
        case .prover(let transcript):
            let (a, b) = tables()
            precondition(a.variableCount == variables && b.variableCount == variables)
            return (Sumcheck<F>.proveProduct(a, b, claim: claim, transcript: transcript), .zero)
        case .verifier(let transcript):
            return try Sumcheck<F>.verifyProduct(claim: claim, variables: variables, transcript: transcript)
        }
    }

    /// Sum over x of a(x) b(x) c(x).
    public func tripleProduct(
        claim: E, variables: Int, _ tables: () -> (FoldingTable<F>, FoldingTable<F>, FoldingTable<F>)
    ) throws -> (point: [E], claim: E) {
        account("node sumchecks", Self.sumcheckTheorem, Double(3 * variables))
        switch end {
        case .prover(let transcript):
            let (a, b, c) = tables()
            precondition(a.variableCount == variables && b.variableCount == variables && c.variableCount == variables)
            return (Sumcheck<F>.proveProduct(a, b, c, claim: claim, transcript: transcript), .zero)
        case .verifier(let transcript):
            return try Sumcheck<F>.verifyTripleProduct(claim: claim, variables: variables, transcript: transcript)
        }
    }

    /// Sum over x of eq(outer, x) a(x) b(x).
    public func eqProduct(
        claim: E, at outer: [E], _ tables: () -> (FoldingTable<F>, FoldingTable<F>)
    ) throws -> (point: [E], claim: E) {
        account("node sumchecks", Self.sumcheckTheorem, Double(3 * outer.count))
        switch end {
        case .prover(let transcript):
            let (a, b) = tables()
            precondition(a.variableCount == outer.count && b.variableCount == outer.count)
            return (Sumcheck<F>.proveEqProduct(at: outer, a, b, claim: claim, transcript: transcript), .zero)
        case .verifier(let transcript):
            return try Sumcheck<F>.verifyEqRounds(claim: claim, at: outer, transcript: transcript)
        }
    }
}
