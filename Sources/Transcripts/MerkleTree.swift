import Tensors

/// A binary Merkle tree over 2^k leaf digests, committed to by the 2^capHeight nodes at depth `capHeight`, its
/// **cap**.
///
/// Leaves are digests of messages (`HashFunction.hashRows`), inner nodes are `HashFunction.hashPairs`; the two never
/// coincide, and the verifier knows the depth of every leaf anyway. A cap saves the top of every path: with q
/// openings a cap of about q nodes costs what it saves, in bytes, and spares hashing.
///
/// An **opening** of a set of leaves is the list of those nodes that the verifier needs and cannot compute: from the
/// leaves up to the level below the cap, in each level from left to right, the sibling of every known node whose
/// sibling is not itself known. Its length depends on the set alone (`siblingCount`).
public final class MerkleTree: Sendable {
    public let hash: HashFunction
    /// log2 of the number of leaves.
    public let depth: Int
    /// log2 of the number of nodes of the cap.
    public let capHeight: Int
    /// levels[0] holds the leaves, levels[l] the 2^(depth - l) nodes l levels above them; the last level is the cap.
    private let levels: [AlignedBuffer<Digest>]

    /// Builds the tree, on all threads. Keeps `leaves`: they must not change afterwards.
    ///
    /// - Precondition: `leaves.count` is a power of two, at least `2^capHeight`.
    public init(leaves: AlignedBuffer<Digest>, capHeight: Int, hash: HashFunction) {
        let count = leaves.count
        precondition(count > 0 && count & (count - 1) == 0, "the number of leaves is a power of two")
        self.hash = hash
        self.depth = count.trailingZeroBitCount
        self.capHeight = capHeight
        precondition(capHeight >= 0 && capHeight <= depth, "the cap lies inside the tree")

        let height = depth - capHeight
        var levels = [leaves]
        for l in 0..<height { levels.append(AlignedBuffer(uninitialized: count >> (l + 1))) }
        // Subtrees of 4,096 leaves, 256 KiB with their inner nodes, are built to their root while they are in the
        // cache; then the few levels above.
        let below = min(height, 12)
        let subtrees = count >> below
        let built = levels
        Parallel.forEach(subtrees) { s in
            for l in 0..<below {
                let pairs = 1 << (below - l - 1)
                hash.hashPairs(
                    built[l].pointer + 2 * s * pairs, pairCount: pairs, into: built[l + 1].pointer + s * pairs)
            }
        }
        for l in below..<height {
            hash.hashPairs(built[l].pointer, pairCount: built[l + 1].count, into: built[l + 1].pointer)
        }
        self.levels = levels
    }

    /// The number of leaves.
    public var leafCount: Int { 1 << depth }
    /// The commitment: 2^capHeight nodes, from left to right.
    public var cap: [Digest] { levels[levels.count - 1].array }
    /// The digest of one leaf.
    public func leaf(_ index: Int) -> Digest { levels[0][index] }

    /// The nodes that a verifier who knows the leaves at `indices` lacks, in the order that `verify` wants.
    ///
    /// - Precondition: `indices` rise strictly and lie in `0..<leafCount`.
    public func open(_ indices: [Int]) -> [Digest] {
        MerkleTree.requireRising(indices, below: leafCount)
        var siblings: [Digest] = []
        MerkleTree.forEachMissingSibling(indices, levels: depth - capHeight) { level, index in
            siblings.append(levels[level].pointer[index])
        }
        return siblings
    }

    /// The length of the opening of `indices`.
    ///
    /// - Precondition: `leafCount` is a power of two, at least `2^capHeight`; `indices` rise strictly and lie in
    ///   `0..<leafCount`.
    public static func siblingCount(leafCount: Int, capHeight: Int, indices: [Int]) -> Int {
        precondition(leafCount > 0 && leafCount & (leafCount - 1) == 0 && capHeight >= 0)
        precondition(capHeight <= leafCount.trailingZeroBitCount)
        requireRising(indices, below: leafCount)
        var count = 0
        forEachMissingSibling(indices, levels: leafCount.trailingZeroBitCount - capHeight) { _, _ in count += 1 }
        return count
    }

    /// Checks that `leaves` are the leaf digests at `indices` of the tree with this cap. Nothing about the arguments
    /// is taken for granted, so they may come straight from a proof.
    ///
    /// - Throws: `VerificationError` with the check `merkle shape`, `merkle indices`, `merkle siblings` or
    ///   `merkle cap`.
    public static func verify(
        cap: [Digest], leafCount: Int, indices: [Int], leaves: [Digest], siblings: [Digest], hash: HashFunction
    ) throws {
        guard leafCount > 0, leafCount & (leafCount - 1) == 0, cap.count > 0, cap.count & (cap.count - 1) == 0,
            cap.count <= leafCount
        else {
            throw VerificationError(check: "merkle shape", detail: "\(leafCount) leaves under a cap of \(cap.count)")
        }
        guard isRising(indices, below: leafCount) else {
            throw VerificationError(check: "merkle indices", detail: "not rising, or outside 0..<\(leafCount)")
        }
        guard leaves.count == indices.count else {
            throw VerificationError(
                check: "merkle indices", detail: "\(indices.count) indices with \(leaves.count) leaves")
        }
        let height = leafCount.trailingZeroBitCount - cap.count.trailingZeroBitCount
        let wanted = siblingCount(
            leafCount: leafCount, capHeight: cap.count.trailingZeroBitCount, indices: indices)
        guard siblings.count == wanted else {
            throw VerificationError(
                check: "merkle siblings", detail: "\(siblings.count) nodes where \(wanted) are needed")
        }

        var known = leaves
        var positions = indices
        var pairs: [Digest] = []
        var next = 0
        for _ in 0..<height {
            pairs.removeAll(keepingCapacity: true)
            var parents: [Int] = []
            parents.reserveCapacity(positions.count)
            var i = 0
            while i < positions.count {
                let position = positions[i]
                if position & 1 == 1 {
                    pairs.append(siblings[next])
                    pairs.append(known[i])
                    next += 1
                } else if i + 1 < positions.count && positions[i + 1] == position + 1 {
                    pairs.append(known[i])
                    pairs.append(known[i + 1])
                    i += 1
                } else {
                    pairs.append(known[i])
                    pairs.append(siblings[next])
                    next += 1
                }
                parents.append(position >> 1)
                i += 1
            }
            known = [Digest](unsafeUninitializedCapacity: parents.count) { output, count in
                if parents.count > 0 {
                    pairs.withUnsafeBufferPointer {
                        hash.hashPairs($0.baseAddress!, pairCount: parents.count, into: output.baseAddress!)
                    }
                }
                count = parents.count
            }
            positions = parents
        }
        for (position, node) in zip(positions, known) where cap[position] != node {
            throw VerificationError(
                check: "merkle cap", detail: "node \(position) is \(cap[position]), its path ends in \(node)")
        }
    }

    /// Calls `body(level, index)` for each node of an opening, in order.
    private static func forEachMissingSibling(_ indices: [Int], levels: Int, _ body: (Int, Int) -> Void) {
        var positions = indices
        for level in 0..<levels {
            var parents: [Int] = []
            parents.reserveCapacity(positions.count)
            var i = 0
            while i < positions.count {
                let position = positions[i]
                if position & 1 == 0 && i + 1 < positions.count && positions[i + 1] == position + 1 {
                    i += 1
                } else {
                    body(level, position ^ 1)
                }
                parents.append(position >> 1)
                i += 1
            }
            positions = parents
        }
    }

    private static func isRising(_ indices: [Int], below bound: Int) -> Bool {
        var least = 0
        for index in indices {
            guard index >= least && index < bound else { return false }
            least = index + 1
        }
        return true
    }

    private static func requireRising(_ indices: [Int], below bound: Int) {
        precondition(isRising(indices, below: bound), "indices rise strictly and lie in 0..<\(bound)")
    }
}
