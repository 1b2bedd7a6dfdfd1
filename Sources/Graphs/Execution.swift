import Tensors

/// A graph evaluated on one input.
public struct Execution: Sendable {
    /// The values of all nodes.
    public let values: NodeValues
    /// The value of the graph's output.
    public let output: Int

    public subscript(node: NodeID) -> IntegerTensor { values[node] }
}

/// Told while a graph is run which values are there, so that what is made of them can be made while they are in near caches.
public protocol ExecutionObserver: AnyObject, Sendable {
    /// The calling thread has just made these rows (indices of the first dimension), of `height`, of a node's value, after the same
    /// rows of all nodes of its stage that come before it, and all of the values of earlier stages. Rows of a stage are those of one
    /// part or, where it is not split, all; parts with different numbers may be made at the same time.
    func made(_ node: NodeID, rows: Range<Int>, of height: Int, part: Int, values: UnsafePointer<IntegerPointer>)
    /// All values are there.
    func madeAll(output: Int, values: UnsafePointer<IntegerPointer>)
}

/// The values of a graph's nodes, one tensor a node, stored in the narrowest type for the node's range.
///
/// A tensor is made when it is asked for, as most are needed by few: hundreds of tensors that are made at once, each with a
/// shape elsewhere in memory, take longer than many a layer. Small values share a piece of memory.
public struct NodeValues: Sendable {
    private let origins: [ValuePlan.Origin]
    private let pieces: [AlignedBuffer<UInt8>]
    /// What has been set since.
    private var changes: [NodeID: IntegerTensor] = [:]

    /// The values of no nodes.
    public init() {
        origins = []
        pieces = []
    }

    /// Memory for the values of a plan, and where each lies.
    static func make(_ plan: ValuePlan) -> (values: NodeValues, pointers: [IntegerPointer]) {
        let values = NodeValues(plan)
        let pointers = plan.places.map { place -> IntegerPointer in
            switch place {
            case .fixed(let pointer): pointer
            case .made(let byteWidth, let count, let piece, let offset):
                IntegerPointer(values.pieces[piece].pointer + offset, byteWidth: byteWidth, count: count)
            }
        }
        return (values, pointers)
    }

    private init(_ plan: ValuePlan) {
        origins = plan.origins
        pieces = plan.pieces.map { AlignedBuffer(uninitialized: $0) }
    }

    /// The value of a node. Setting another is for provers that lie.
    public subscript(node: NodeID) -> IntegerTensor {
        get {
            if let changed = changes[node] { return changed }
            switch origins[node] {
            case .fixed(let value): return value
            case .made(let shape, let range, let piece, let offset):
                let storage = IntegerBuffer(uninitialized: shape.count, range: range, in: pieces[piece], at: offset)
                return IntegerTensor(shape: shape, range: range, storage: storage)
            }
        }
        set { changes[node] = newValue }
    }

    /// All of them, for tests.
    public var all: [IntegerTensor] { origins.indices.map { self[$0] } }
}

/// Where the values of a graph's nodes lie: what is the same for all inputs.
final class ValuePlan: Sendable {
    enum Origin {
        /// Weights, constants and masks: the value does not depend on the input.
        case fixed(IntegerTensor)
        /// From byte `offset` of a piece of memory on.
        case made(TensorShape, ClosedRange<Int64>, piece: Int, offset: Int)
    }

    /// Where a value starts.
    enum Place: Sendable {
        case fixed(IntegerPointer)
        case made(byteWidth: Int, count: Int, piece: Int, offset: Int)
    }

    /// Values of more bytes have a piece of memory of their own; the others share the first.
    private static let mostShared = 1 << 16

    let origins: [Origin]
    let places: [Place]
    /// Bytes of each piece.
    let pieces: [Int]

    /// `fixed`: the values that do not depend on the input.
    init(_ graph: Graph, fixed: [IntegerTensor?]) {
        var pieces = [0]
        origins = graph.nodes.enumerated().map { id, node in
            if let value = fixed[id] { return .fixed(value) }
            let bytes = node.shape.count * IntegerBuffer.byteWidth(node.range)
            if bytes > ValuePlan.mostShared {
                pieces.append(bytes)
                return .made(node.shape, node.range, piece: pieces.count - 1, offset: 0)
            }
            defer { pieces[0] += (bytes + 63) / 64 * 64 }
            return .made(node.shape, node.range, piece: 0, offset: pieces[0])
        }
        self.pieces = pieces
        places = origins.map { origin in
            switch origin {
            case .fixed(let value): .fixed(value.storage.pointer)
            case .made(let shape, let range, let piece, let offset):
                .made(
                    byteWidth: IntegerBuffer.byteWidth(range), count: shape.count, piece: piece, offset: offset)
            }
        }
    }
}
