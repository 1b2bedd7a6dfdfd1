import Tensors
import Testing
import Transcripts

@Suite struct MerkleTreeTests {
    struct Case {
        let tree: MerkleTree
        let leaves: [Digest]
        var cap: [Digest] { tree.cap }

        init(bits: Int, capHeight: Int, hash: HashFunction, seed: UInt64 = 1) {
            var random = Seeded(state: seed)
            leaves = (0..<1 << bits).map { _ in random.digest() }
            tree = MerkleTree(leaves: AlignedBuffer(leaves), capHeight: capHeight, hash: hash)
        }

        func verify(
            _ indices: [Int], leaves claimed: [Digest]? = nil, siblings: [Digest]? = nil, cap: [Digest]? = nil,
            leafCount: Int? = nil
        ) throws {
            try MerkleTree.verify(
                cap: cap ?? tree.cap, leafCount: leafCount ?? leaves.count, indices: indices,
                leaves: claimed ?? indices.map { leaves[$0] }, siblings: siblings ?? tree.open(indices), hash: tree.hash
            )
        }
    }

    func expectRejected(_ check: String, _ body: () throws -> Void, _ comment: Comment? = nil) {
        do {
            try body()
            Issue.record("accepted; \(comment ?? "")")
        } catch let error as VerificationError {
            #expect(error.check == check, comment)
        } catch {
            Issue.record(error)
        }
    }

    @Test(arguments: HashFunction.allCases) func capIsTheLevelOfTheTree(_ hash: HashFunction) {
        for bits in [0, 1, 2, 3, 5] {
            var level = Case(bits: bits, capHeight: bits, hash: hash).leaves
            for capHeight in stride(from: bits, through: 0, by: -1) {
                #expect(Case(bits: bits, capHeight: capHeight, hash: hash).cap == level)
                level = stride(from: 0, to: level.count - 1, by: 2).map {
                    Reference.node(hash, level[$0], level[$0 + 1])
                }
            }
        }
    }

    /// Larger than the subtrees that threads build.
    @Test(arguments: HashFunction.allCases) func largeTree(_ hash: HashFunction) throws {
        for capHeight in [0, 1, 5] {
            let test = Case(bits: 14, capHeight: capHeight, hash: hash)
            var level = test.leaves
            while level.count > 1 << capHeight {
                var parents = [Digest](repeating: .zero, count: level.count / 2)
                hash.hashPairs(level, pairCount: parents.count, into: &parents)
                level = parents
            }
            #expect(test.cap == level)
            try test.verify([0, 1, 4095, 4096, 9999, 16383])
        }
    }

    @Test(arguments: HashFunction.allCases) func everySubsetOfEight(_ hash: HashFunction) throws {
        for capHeight in 0...3 {
            let test = Case(bits: 3, capHeight: capHeight, hash: hash)
            for subset in 0..<256 {
                let indices = (0..<8).filter { subset >> $0 & 1 == 1 }
                let siblings = test.tree.open(indices)
                #expect(
                    siblings.count
                        == MerkleTree.siblingCount(leafCount: 8, capHeight: capHeight, indices: indices))
                try test.verify(indices)
                // Siblings are exactly the nodes beside known ones whose sibling is unknown.
                var expected: [Digest] = []
                var known = Set(indices)
                var nodes = test.leaves
                for _ in 0..<3 - capHeight {
                    for i in known.sorted() where !known.contains(i ^ 1) { expected.append(nodes[i ^ 1]) }
                    known = Set(known.map { $0 / 2 })
                    nodes = stride(from: 0, to: nodes.count, by: 2).map {
                        Reference.node(hash, nodes[$0], nodes[$0 + 1])
                    }
                }
                #expect(siblings == expected)
            }
        }
    }

    @Test(arguments: HashFunction.allCases) func randomSubsets(_ hash: HashFunction) throws {
        var random = Seeded(state: 7)
        for bits in 0...10 {
            for capHeight in [0, bits / 2, bits] {
                let test = Case(bits: bits, capHeight: capHeight, hash: hash, seed: UInt64(bits))
                for density in [1, 2, 10, 50] {
                    let indices = (0..<1 << bits).filter { _ in Int.random(in: 0..<density, using: &random) == 0 }
                    try test.verify(indices)
                }
                try test.verify([])
                try test.verify(Array(0..<1 << bits))
                #expect(test.tree.open(Array(0..<1 << bits)).isEmpty)
                #expect(test.tree.open([0]).count == bits - capHeight)
            }
        }
    }

    @Test(arguments: HashFunction.allCases) func tamperingIsRejected(_ hash: HashFunction) throws {
        for capHeight in 0...4 {
            let test = Case(bits: 4, capHeight: capHeight, hash: hash)
            for indices in [[0], [15], [3, 4], [0, 1, 2, 3], [1, 5, 6, 9, 14], Array(0..<16)] {
                let leaves = indices.map { test.leaves[$0] }
                let siblings = test.tree.open(indices)
                for i in leaves.indices {
                    var changed = leaves
                    changed[i] = flip(leaves[i], bit: 8 * i + 3)
                    expectRejected("merkle cap") { try test.verify(indices, leaves: changed) }
                }
                for i in siblings.indices {
                    var changed = siblings
                    changed[i] = flip(siblings[i], bit: 255 - i)
                    expectRejected("merkle cap") { try test.verify(indices, siblings: changed) }
                }
                for i in Set(indices.map { $0 >> (4 - capHeight) }) {
                    var changed = test.cap
                    changed[i] = flip(test.cap[i], bit: 100)
                    expectRejected("merkle cap") { try test.verify(indices, cap: changed) }
                }
                if leaves.count > 1 {
                    var swapped = leaves
                    swapped.swapAt(0, 1)
                    expectRejected("merkle cap") { try test.verify(indices, leaves: swapped) }
                }
                if siblings.count > 1 {
                    var swapped = siblings
                    swapped.swapAt(0, siblings.count - 1)
                    expectRejected("merkle cap") { try test.verify(indices, siblings: swapped) }
                }
                expectRejected("merkle siblings") { try test.verify(indices, siblings: siblings + [.zero]) }
                if !siblings.isEmpty {
                    expectRejected("merkle siblings") { try test.verify(indices, siblings: siblings.dropLast()) }
                }
                expectRejected("merkle indices") { try test.verify(indices, leaves: leaves.dropLast()) }
                expectRejected("merkle indices") { try test.verify(indices, leaves: leaves + [leaves[0]]) }
            }
        }
    }

    @Test func malformedArgumentsAreRejected() {
        let test = Case(bits: 3, capHeight: 1, hash: .blake3)
        let two = Array(test.leaves.prefix(2))
        for indices in [[1, 0], [1, 1], [-1, 0], [0, 8], [Int.min, Int.max]] {
            expectRejected("merkle indices") { try test.verify(indices, leaves: two, siblings: []) }
        }
        for leafCount in [0, -8, 7, 1, Int.min, Int.max] {
            expectRejected("merkle shape") { try test.verify([0], siblings: [], leafCount: leafCount) }
        }
        for cap in [[], [Digest.zero, .zero, .zero], [Digest](repeating: .zero, count: 16)] {
            expectRejected("merkle shape") { try test.verify([0], siblings: [], cap: cap) }
        }
        // A tree one level higher or lower with the same cap.
        expectRejected("merkle siblings") { try test.verify([0], leafCount: 16) }
        expectRejected("merkle siblings") { try test.verify([0], leafCount: 4) }
    }

    /// An inner node is no leaf: the tree over the parents of the leaves, with the same root, opens to nodes.
    @Test(arguments: HashFunction.allCases) func anInnerNodeIsNoMessage(_ hash: HashFunction) {
        let test = Case(bits: 1, capHeight: 0, hash: hash)
        #expect(hash.hash(test.leaves.digestBytes) != test.cap[0])
        #expect(hash.hash([0] + test.leaves.digestBytes) != test.cap[0])
    }

    func flip(_ digest: Digest, bit: Int) -> Digest {
        var bytes = digest.bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return Digest(bytes: bytes)!
    }
}
