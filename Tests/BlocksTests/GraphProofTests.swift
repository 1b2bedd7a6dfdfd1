import Fields
import Foundation
import Graphs
import Multilinears
import Tensors
import TestSupport
import Testing
import Transcripts

@testable import Blocks

/// Every sample graph, every field: honest proofs are accepted; a prover that lies anywhere is not.
@Suite struct GraphProofTests {
    @Test(arguments: [false, true]) func honestMersenne31(extremes: Bool) throws {
        try honest(Mersenne31.self, extremes)
    }
    @Test(arguments: [false, true]) func honestGoldilocks(extremes: Bool) throws {
        try honest(GoldilocksField.self, extremes)
    }
    @Test func honestBN254() throws { try honest(BN254ScalarField.self, true) }

    func honest<F: ProofField>(_: F.Type, _ extremes: Bool) throws {
        for sample in SampleGraphs.all(seed: 7, random: 10, extremes: extremes) {
            let p = try Prepared(sample, F.self)
            let proof = try Ideal<F>.prove(p.layout, p.witness, tokens: p.tokens)
            do {
                try Ideal<F>.verify(
                    p.layout, proof, tokens: p.tokens, output: p.witness.output, columns: p.witness.columns,
                    weights: p.weights)
            } catch { Issue.record("\(sample.name) over \(F.name): \(error)") }
        }
    }

    @Test func wrongOutputMersenne31() throws { try wrongOutput(Mersenne31.self) }
    @Test func wrongOutputGoldilocks() throws { try wrongOutput(GoldilocksField.self) }
    @Test func wrongOutputBN254() throws { try wrongOutput(BN254ScalarField.self) }

    /// Another output, another input: for the proof as made, and for a prover who runs the protocol for the wrong output.
    func wrongOutput<F: ProofField>(_: F.Type) throws {
        for sample in SampleGraphs.all(seed: 3, random: 2) {
            let p = try Prepared(sample, F.self)
            guard case .argmax(let logits) = p.layout.graph.nodes.last!.operation else { continue }
            let classes = p.layout.graph.nodes[logits].shape.count
            let proof = try Ideal<F>.prove(p.layout, p.witness, tokens: p.tokens)
            for wrong in 0..<classes where wrong != p.witness.output {
                #expect(throws: VerificationError.self, "\(sample.name)") {
                    try Ideal<F>.verify(
                        p.layout, proof, tokens: p.tokens, output: wrong, columns: p.witness.columns, weights: p.weights
                    )
                }
                // The maximum column follows the lie; the range check cannot.
                var witness = p.witness
                witness.setOutput(wrong)
                let maximum = p.layout.columns.firstIndex { if case .maximum = $0.role { true } else { false } }!
                witness.columns[maximum] = changed(witness.columns[maximum], 0, to: witness.nodes[logits][wrong])
                try witness.recount(p.layout)
                let lie = try Ideal<F>.prove(p.layout, witness, tokens: p.tokens, output: wrong)
                #expect(throws: VerificationError.self, "\(sample.name)") {
                    try Ideal<F>.verify(
                        p.layout, lie, tokens: p.tokens, output: wrong, columns: witness.columns, weights: p.weights)
                }
            }
            var tokens = p.tokens
            tokens[0] = tokens[0] == 0 ? 1 : 0
            if tokens[0] <= Int(p.layout.graph.nodes[p.layout.graph.input].range.upperBound), sample.name != "single" {
                #expect(throws: VerificationError.self, "\(sample.name)") {
                    try Ideal<F>.verify(
                        p.layout, proof, tokens: tokens, output: p.witness.output, columns: p.witness.columns,
                        weights: p.weights)
                }
            }
        }
    }

    @Test func wrongWitnessMersenne31() throws { try wrongWitness(Mersenne31.self) }
    @Test func wrongWitnessGoldilocks() throws { try wrongWitness(GoldilocksField.self) }
    @Test func wrongWitnessBN254() throws { try wrongWitness(BN254ScalarField.self) }

    /// One entry of each committed column is changed (by one, by a power of two, to its negative), with everything that
    /// depends on it recomputed as a clever prover would: the remainders, the arguments of lookups and the multiplicities.
    func wrongWitness<F: ProofField>(_: F.Type) throws {
        var generator = SplitMix(seed: 11)
        for sample in SampleGraphs.all(seed: 5, random: 2) {
            let p = try Prepared(sample, F.self)
            for (c, column) in p.layout.columns.enumerated() {
                for delta: Int64 in [1, -1, 1 << 8] {
                    let index = Int(generator.next() % UInt64(column.shape.count))
                    var witness = p.witness
                    witness.columns[c] = changed(witness.columns[c], index, to: witness.columns[c][index] + delta)
                    if case .value(let id) = column.role {
                        witness.nodes[id] = witness.columns[c]
                        witness.recomputeRemainder(p.layout, id)
                    }
                    if case .multiplicity = column.role {} else { try witness.recount(p.layout) }
                    let proof = try Ideal<F>.prove(p.layout, witness, tokens: p.tokens)
                    #expect(throws: VerificationError.self, "\(sample.name): \(column.name)[\(index)] + \(delta)") {
                        try Ideal<F>.verify(
                            p.layout, proof, tokens: p.tokens, output: p.witness.output, columns: witness.columns,
                            weights: p.weights)
                    }
                }
            }
        }
    }

    @Test func consistentLiesMersenne31() throws { try consistentLies(Mersenne31.self) }
    @Test func consistentLiesGoldilocks() throws { try consistentLies(GoldilocksField.self) }
    @Test func consistentLiesBN254() throws { try consistentLies(BN254ScalarField.self) }

    /// Lies that keep every equation true and only leave a range: a quotient off by one with the remainder that belongs to it,
    /// a requantisation rounded the wrong way with 2^shift more in the remainder, a row maximum that is too large or that of
    /// another position, a table value that belongs to the neighbouring row.
    func consistentLies<F: ProofField>(_: F.Type) throws {
        for sample in SampleGraphs.all(seed: 9, random: 2) {
            let p = try Prepared(sample, F.self)
            for (id, node) in p.layout.graph.nodes.enumerated() {
                var lies: [(String, Witness)] = []
                switch node.operation {
                case .requantise(_, let shift, let table):
                    guard shift > 0 else { break }
                    for sign: Int64 in [1, -1] {
                        var w = p.witness
                        let limb = p.layout.columns.lastIndex {
                            if case .requantiseLimb(id, _) = $0.role { true } else { false }
                        }!
                        // The highest limb takes up the whole step of the rounded value.
                        let bits = (shift - 1) % 16 + 1
                        w.columns[limb] = changed(w.columns[limb], 0, to: w.columns[limb][0] - sign << bits)
                        if let table {
                            let t = p.layout.graph.tables[table]
                            let h = p.witness.inputs[p.layout.lookups.firstIndex { $0.output == .node(id) }!][0] + sign
                            guard t.domain.contains(h) else { continue }
                            let y = Int64(t.values[Int(h - t.lowerBound)])
                            let column = p.layout.valueColumn[id]!
                            w.columns[column] = changed(w.columns[column], 0, to: y)
                            w.nodes[id] = w.columns[column]
                        } else {
                            w.nodes[id] = changed(w.nodes[id], 0, to: w.nodes[id][0] + sign)
                        }
                        lies.append(("\(node.name) rounded by \(sign) more", w))
                    }
                case .divide, .squareRoot:
                    for sign: Int64 in [1, -1] {
                        var w = p.witness
                        let column = p.layout.valueColumn[id]!
                        w.columns[column] = changed(w.columns[column], 0, to: w.columns[column][0] + sign)
                        w.nodes[id] = w.columns[column]
                        w.recomputeRemainder(p.layout, id)
                        lies.append(("\(node.name) off by \(sign)", w))
                    }
                case .rowMaximum(let x):
                    let column = p.layout.valueColumn[id]!
                    let position = p.layout.columns.firstIndex { $0.role == .oneHot(id) }!
                    let width = p.layout.columns[position].shape.dimensions.last!
                    var w = p.witness
                    w.columns[column] = changed(w.columns[column], 0, to: w.columns[column][0] + 1)
                    w.nodes[id] = w.columns[column]
                    lies.append(("\(node.name) too large, attained nowhere", w))
                    w.columns[position] = changed(
                        w.columns[position], (0..<width).first { w.columns[position][$0] == 1 }!, to: 0)
                    lies.append(("\(node.name) too large, no position", w))
                    if let other = (0..<width).first(where: { w.nodes[x][$0] < p.witness.nodes[id][0] }) {
                        w = p.witness
                        let place = (0..<width).first { w.columns[position][$0] == 1 }!
                        w.columns[position] = changed(changed(w.columns[position], place, to: 0), other, to: 1)
                        w.columns[column] = changed(w.columns[column], 0, to: w.nodes[x][other])
                        w.nodes[id] = w.columns[column]
                        lies.append(("\(node.name) is a smaller entry", w))
                    }
                default: break
                }
                for (what, lie) in lies {
                    var w = lie
                    try w.recount(p.layout)
                    let proof = try Ideal<F>.prove(p.layout, w, tokens: p.tokens)
                    #expect(throws: VerificationError.self, "\(sample.name): \(what)") {
                        try Ideal<F>.verify(
                            p.layout, proof, tokens: p.tokens, output: p.witness.output, columns: w.columns,
                            weights: p.weights)
                    }
                }
            }
        }
    }

    @Test func wrongMessagesMersenne31() throws { try wrongMessages(Mersenne31.self) }
    @Test func wrongMessagesGoldilocks() throws { try wrongMessages(GoldilocksField.self) }
    @Test func wrongMessagesBN254() throws { try wrongMessages(BN254ScalarField.self) }

    /// Every value that a block sends is changed once, before it enters the transcript: no sub-claim goes unchecked.
    func wrongMessages<F: ProofField>(_: F.Type) throws {
        for sample in SampleGraphs.all(seed: 13, random: 1) {
            let p = try Prepared(sample, F.self)
            var sizes: [Int] = []
            _ = try Ideal<F>.prove(p.layout, p.witness, tokens: p.tokens) { _, values in sizes.append(values.count) }
            for (message, size) in sizes.enumerated() {
                for position in Set([0, size / 3, size / 2, size - 1]) {
                    var k = 0
                    let proof = try Ideal<F>.prove(p.layout, p.witness, tokens: p.tokens) { _, values in
                        if k == message { values[position] += F.Challenge(1) }
                        k += 1
                    }
                    #expect(throws: VerificationError.self, "\(sample.name): message \(message)[\(position)]") {
                        try Ideal<F>.verify(
                            p.layout, proof, tokens: p.tokens, output: p.witness.output, columns: p.witness.columns,
                            weights: p.weights)
                    }
                }
            }
        }
    }

    /// Lookups proved more than once, or after work: accepted, with a lie in any repetition rejected, and for another effort than
    /// is due only if that is more work.
    @Test func lookupEffort() throws {
        let efforts = [
            LookupEffort(), LookupEffort(repetitions: 2), LookupEffort(repetitions: 3), LookupEffort(grindingBits: 1),
            LookupEffort(grindingBits: 16),
        ]
        for sample in SampleGraphs.all(seed: 19, random: 1) {
            let p = try Prepared(sample, Mersenne31.self)
            /// What is wrong with a proof for one effort, with a lie in one of the repetitions, where another is due.
            func rejection(_ made: LookupEffort, due: LookupEffort, lie: Int? = nil) throws -> String? {
                var seen = 0
                let proof = try Ideal<Mersenne31>.prove(p.layout, p.witness, tokens: p.tokens, effort: made) {
                    if $0 == "lookup values" {
                        if seen == lie { $1[0] += .one }
                        seen += 1
                    }
                }
                #expect(seen == made.repetitions)
                do {
                    try Ideal<Mersenne31>.verify(
                        p.layout, proof, tokens: p.tokens, output: p.witness.output, columns: p.witness.columns,
                        weights: p.weights, effort: due)
                    return nil
                } catch let error as VerificationError { return error.check }
            }
            for made in efforts {
                for due in efforts {
                    let found = try rejection(made, due: due)
                    let isEnough =
                        made.repetitions == due.repetitions && made.grindingBits >= due.grindingBits
                        && (made.grindingBits > 0) == (due.grindingBits > 0)
                    #expect((found == nil) == isEnough, "\(made) where \(due) is due: \(found ?? "accepted")")
                    // Sixteen bits of work are not there by chance.
                    if due.grindingBits == 16 && !isEnough { #expect(found == "lookup grinding") }
                }
                for lie in 0..<made.repetitions { #expect(try rejection(made, due: made, lie: lie) != nil) }
            }

            // The challenges depend on the number that shows the work: with another one that shows as much, all the rest is wrong.
            let worked = LookupEffort(grindingBits: 1)
            let proof = try Ideal<Mersenne31>.prove(p.layout, p.witness, tokens: p.tokens, effort: worked)
            var rejections: [String: Int] = [:]
            for number in 100..<164 {
                var changed = proof
                changed.replaceSubrange(0..<8, with: [UInt8(number)] + [UInt8](repeating: 0, count: 7))
                #expect(changed.count == proof.count && proof[1..<8].allSatisfy { $0 == 0 })
                do {
                    try Ideal<Mersenne31>.verify(
                        p.layout, changed, tokens: p.tokens, output: p.witness.output, columns: p.witness.columns,
                        weights: p.weights, effort: worked)
                    Issue.record("accepted with number \(number)")
                } catch let error as VerificationError { rejections[error.check, default: 0] += 1 }
            }
            let idle = rejections.removeValue(forKey: "lookup grinding") ?? 0
            #expect(idle > 10 && rejections.values.reduce(0, +) > 10, "\(idle) \(rejections)")
        }
    }

    /// The rule: two bits to spare; work for the bits that are missing, or more runs where that would be too much.
    @Test func lookupEffortForLevels() throws {
        typealias M31 = LookupBlock<Mersenne31>
        let layout = try Prepared(SampleGraphs.all(random: 0)[0], Mersenne31.self).layout
        let leaves = layout.fractions.leafCount
        let bits = Mersenne31.challengeBits - TensorShape.bits(leaves + 1)
        #expect(Double(leaves) * exp2(-Double(Mersenne31.challengeBits)) <= exp2(-Double(bits)))
        #expect(M31.effort(layout, securityBits: 80) == LookupEffort())
        #expect(M31.effort(layout, securityBits: bits - 2) == LookupEffort())
        #expect(M31.effort(layout, securityBits: bits - 1) == LookupEffort(grindingBits: 3))
        #expect(M31.effort(layout, securityBits: bits + 14) == LookupEffort(grindingBits: 18))
        #expect(M31.effort(layout, securityBits: bits + 15) == LookupEffort(repetitions: 2))
        #expect(LookupBlock<BN254ScalarField>.effort(layout, securityBits: 128) == LookupEffort())

        // The budget says what was done: the bits asked for at least.
        for level in [80, bits - 1, bits + 3, bits + 15] {
            let effort = M31.effort(layout, securityBits: level)
            let p = try Prepared(SampleGraphs.all(random: 0)[0], Mersenne31.self)
            let channel = Channel<Mersenne31>(.prover(ProverTranscript(domain: "ideal", hash: .blake3)))
            _ = try GraphProof<Mersenne31>.run(
                BlockContext(
                    p.layout, channel, tokens: p.tokens, output: p.witness.output,
                    prover: ProverData(witness: p.witness), lookupEffort: effort))
            let error = try #require(channel.errors.first { $0.name == "lookups" })
            let single = log2(Double(leaves)) - Double(Mersenne31.challengeBits)
            let said = log2(error.numerator) - Double(Mersenne31.challengeBits)
            #expect(abs(said - single * Double(effort.repetitions) + Double(effort.grindingBits)) < 1e-6)
            #expect(error.theorem.contains("grinding") == (effort.grindingBits > 0) && said <= -Double(level + 2))
        }
    }

    /// Differences of 42 bits, which take three limbs: proved, and a lie in any limb is not.
    @Test func threeLimbs() throws {
        try threeLimbs(GoldilocksField.self)
        try threeLimbs(BN254ScalarField.self)
    }

    private func threeLimbs<F: ProofField>(_: F.Type) throws {
        var builder = GraphBuilder()
        let tokens = try builder.tokens("tokens", count: 1, vocabulary: 2)
        let wide: ClosedRange<Int64> = -(1 << 20)...1 << 20
        let table = try builder.weight("table", [2, 1], range: wide)
        let x = try builder.slice("x", builder.embed("embedded", table: table, tokens: tokens), axis: 0, index: 0)
        let head = try builder.weight("head", [3, 1], range: wide)
        let logits = try builder.contract("logits", x, head, "k", "vk", "v")
        let next = try builder.argmax("next", logits)
        let graph = try builder.finish(input: tokens, output: next)
        let weights = [
            "table": IntegerTensor(shape: TensorShape([2, 1]), range: wide, values: [3, 1 << 20]),
            "head": IntegerTensor(shape: TensorShape([3, 1]), range: wide, values: [-(1 << 20), 1 << 20, 77_777]),
        ]
        let p = try Prepared((name: "wide", graph: graph, weights: weights, tokens: [1]), F.self)
        let limbs = p.layout.columns.indices.filter { p.layout.columns[$0].name.hasSuffix(".limb") }
        #expect(limbs.count == 2 && p.witness.output == 1)
        func accepted(_ witness: Witness) throws -> Bool {
            let proof = try Ideal<F>.prove(p.layout, witness, tokens: p.tokens)
            do {
                try Ideal<F>.verify(
                    p.layout, proof, tokens: p.tokens, output: witness.output, columns: witness.columns,
                    weights: p.weights)
                return true
            } catch is VerificationError { return false }
        }
        #expect(try accepted(p.witness))
        for limb in limbs {
            for entry in 0..<3 {
                var witness = p.witness
                let old = witness.columns[limb]
                let values = (0..<3).map { old[$0] + ($0 == entry ? (old[$0] < 9 ? 1 : -1) : 0) }
                witness.columns[limb] = IntegerTensor(shape: old.shape, range: old.range, values: values)
                try witness.recount(p.layout)
                #expect(try !accepted(witness))
            }
        }
    }

    /// Differences of exactly 2^62, which every field but Mersenne-31 could hold, are refused and do not trap.
    @Test func widestDifferences() throws {
        var builder = GraphBuilder()
        let tokens = try builder.tokens("tokens", count: 1, vocabulary: 2)
        let wide: ClosedRange<Int64> = -(1 << 31)...0
        let table = try builder.weight("table", [2, 1], range: wide)
        let x = try builder.slice("x", builder.embed("embedded", table: table, tokens: tokens), axis: 0, index: 0)
        let logits = try builder.contract("logits", x, builder.weight("head", [3, 1], range: wide), "k", "vk", "v")
        #expect(builder.range(logits) == 0...1 << 62)
        let next = try builder.argmax("next", logits)
        let graph = try builder.finish(input: tokens, output: next)
        #expect(throws: GraphError.self) { _ = try ProofLayout(graph, field: GoldilocksField.self) }
        #expect(throws: GraphError.self) { _ = try ProofLayout(graph, field: BN254ScalarField.self) }
    }

    /// Windows of another image than the one that the graph says: the contraction over them is as claimed, and the proof fails.
    @Test func wrongWindows() throws {
        let sample = SampleGraphs.all(random: 0).first { $0.name == "images" }!
        let p = try Prepared(sample, Mersenne31.self)
        for (id, node) in p.layout.graph.nodes.enumerated() {
            guard case .windows = node.operation else { continue }
            for index in [0, node.shape.count / 2, node.shape.count - 1] {
                var witness = p.witness
                let old = witness.nodes[id]
                let values = (0..<old.shape.count).map { old[$0] + ($0 == index ? 1 : 0) }
                let range = old.range.lowerBound - 1...old.range.upperBound + 1
                witness.nodes[id] = IntegerTensor(shape: old.shape, range: range, values: values)
                let proof = try Ideal<Mersenne31>.prove(p.layout, witness, tokens: p.tokens)
                #expect(throws: VerificationError.self, "\(node.name)[\(index)]") {
                    try Ideal<Mersenne31>.verify(
                        p.layout, proof, tokens: p.tokens, output: witness.output, columns: witness.columns,
                        weights: p.weights)
                }
            }
        }
    }

    @Test func swappedColumns() throws {
        for sample in SampleGraphs.all(seed: 17, random: 2) {
            let p = try Prepared(sample, Mersenne31.self)
            let proof = try Ideal<Mersenne31>.prove(p.layout, p.witness, tokens: p.tokens)
            for i in p.layout.columns.indices {
                for j in 0..<i
                where p.layout.columns[i].shape == p.layout.columns[j].shape
                    && p.witness.columns[i].values != p.witness.columns[j].values
                {
                    var columns = p.witness.columns
                    columns.swapAt(i, j)
                    #expect(throws: VerificationError.self) {
                        try Ideal<Mersenne31>.verify(
                            p.layout, proof, tokens: p.tokens, output: p.witness.output, columns: columns,
                            weights: p.weights)
                    }
                }
            }
        }
    }

    // MARK: Parts

    /// Every node that a block proves is in one part, with every virtual node that it reads: then claims of one part never reach
    /// another.
    @Test func partsNeedNothingOfEachOther() throws {
        var several = 0
        for sample in SampleGraphs.all(seed: 11, random: 20) {
            let layout = try ProofLayout(sample.graph, field: Mersenne31.self)
            let parts = NodeParts(layout).parts
            var part: [NodeID: Int] = [:]
            for (i, nodes) in parts.enumerated() {
                #expect(nodes == nodes.sorted(by: >))
                for id in nodes { #expect(part.updateValue(i, forKey: id) == nil, "\(sample.name): \(id) twice") }
            }
            for (id, node) in sample.graph.nodes.enumerated() {
                switch node.operation {
                case .tokens, .weight, .constant, .causalMask, .requantise(_, _, .some): #expect(part[id] == nil)
                default: #expect(part[id] != nil, "\(sample.name): '\(node.name)' is in no part")
                }
                guard let own = part[id] else { continue }
                for operand in node.operands where layout.resolve(.node(operand)) == .node(operand) {
                    guard let other = part[operand] else { continue }
                    #expect(other == own, "\(sample.name): '\(node.name)' reads another part")
                }
            }
            several += parts.count > 1 ? 1 : 0
        }
        #expect(several > 5)
    }

    /// A claim on a node of another part would stay open, and is noticed.
    @Test func aClaimOutsideItsPartIsNoticed() throws {
        let book = ClaimBook<Oracle, QM31>()
        let branch = ClaimBook<Oracle, QM31>()
        branch.claim(.column(0), at: [], is: .one)
        branch.claim(.node(3), at: [], is: .one)
        book.claim(.column(0), at: [], is: .zero)
        book.adopt(branch)
        #expect(book.take(.column(0)).settle().map(\.value) == [.zero, .one])
        try branch.close()
        #expect(throws: VerificationError.self) { try book.close() }
    }

    /// The same proof by one thread, by several, and part by part.
    @Test func partsMakeOneProof() throws {
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        // One with a part so large that it is proved by itself.
        let large = SampleGraphs.largeHead()
        #expect(large.graph.nodes.indices.contains { NodeParts.work(large.graph, $0) > 1 << 20 })
        for sample in SampleGraphs.all(seed: 5, random: 6) + [large] {
            let p = try Prepared(sample, Mersenne31.self)
            Parallel.threadCount = 1
            let proof = try Ideal<Mersenne31>.prove(p.layout, p.witness, tokens: p.tokens)
            Parallel.threadCount = 3
            #expect(try Ideal<Mersenne31>.prove(p.layout, p.witness, tokens: p.tokens) == proof)
            #expect(try Ideal<Mersenne31>.prove(p.layout, p.witness, tokens: p.tokens) { _, _ in } == proof)
            try Ideal<Mersenne31>.verify(
                p.layout, proof, tokens: p.tokens, output: p.witness.output, columns: p.witness.columns,
                weights: p.weights)
        }
    }

    @Test func aDroppedClaimIsNoticed() throws {
        let book = ClaimBook<Int, QM31>()
        book.claim(1, at: [], is: .one)
        _ = book.take(1)
        #expect(throws: VerificationError.self) { try book.close() }
        let settled = ClaimBook<Int, QM31>()
        settled.claim(1, at: [], is: .one)
        _ = settled.take(1).settle()
        try settled.close()
        let forgotten = ClaimBook<Int, QM31>()
        forgotten.claim(2, at: [], is: .one)
        #expect(throws: VerificationError.self) { try forgotten.close() }
    }
}

/// A tensor with one entry changed, declared range unchanged, storage wide enough for the lie.
func changed(_ tensor: IntegerTensor, _ index: Int, to value: Int64) -> IntegerTensor {
    let wide = IntegerBuffer(uninitialized: tensor.shape.count, range: Int64.min...Int64.max)
    for i in 0..<tensor.shape.count { wide[i] = i == index ? value : tensor[i] }
    return IntegerTensor(shape: tensor.shape, range: tensor.range, storage: wide)
}

struct SplitMix {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
