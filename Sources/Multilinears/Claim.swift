import Transcripts

/// The open claims on one tensor: "the extension at `point` is `value`", each an obligation.
///
/// A list is moved, never copied, and ends only in `settle`, which the block that proves the tensor calls when it turns the
/// claims into others, and an opening or a public evaluation when it has checked them. Swift lets a value be dropped
/// silently, so the book counts: a list that is dropped unsettled makes `ClaimBook.close` throw, and the proof is rejected.
public struct ClaimList<E: Sendable>: ~Copyable {
    public typealias Item = (point: [E], value: E)
    private let items: [Item]
    private let onSettle: (Int) -> Void

    init(items: [Item], onSettle: @escaping (Int) -> Void) {
        self.items = items
        self.onSettle = onSettle
    }

    public var count: Int { items.count }

    /// Ends the obligations; the caller now answers for every point and value.
    public consuming func settle() -> [Item] {
        onSettle(items.count)
        return items
    }
}

/// All claims of one proof that are still open, by tensor.
public final class ClaimBook<Key: Hashable & Sendable, E: Sendable> {
    private var lists: [Key: [(point: [E], value: E)]] = [:]
    /// Claims made and not settled, in lists still here or already taken.
    public private(set) var outstanding = 0

    public init() {}

    /// Makes a claim.
    public func claim(_ key: Key, at point: [E], is value: E) {
        lists[key, default: []].append((point, value))
        outstanding += 1
    }

    /// Hands over all claims made so far on `key`.
    public func take(_ key: Key) -> ClaimList<E> {
        ClaimList(items: lists.removeValue(forKey: key) ?? []) { [self] in outstanding -= $0 }
    }

    /// Takes over what is open in another book.
    public func adopt(_ other: ClaimBook) {
        lists.merge(other.lists) { $0 + $1 }
        outstanding += other.outstanding
        other.lists = [:]
        other.outstanding = 0
    }

    /// Throws unless every claim was settled: a protocol that forgets one accepts nothing.
    public func close() throws {
        guard outstanding == 0 && lists.isEmpty else {
            throw VerificationError(check: "claims", detail: "\(outstanding) claims were left open")
        }
    }
}
