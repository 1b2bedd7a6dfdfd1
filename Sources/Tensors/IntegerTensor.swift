/// The integer types that tensors are stored in.
public protocol SmallInteger: FixedWidthInteger, SignedInteger, BitwiseCopyable, Sendable {}
extension Int8: SmallInteger {}
extension Int16: SmallInteger {}
extension Int32: SmallInteger {}
extension Int64: SmallInteger {}

/// Storage of integers in the narrowest of four signed types.
public enum IntegerBuffer: Sendable {
    case int8(AlignedBuffer<Int8>)
    case int16(AlignedBuffer<Int16>)
    case int32(AlignedBuffer<Int32>)
    case int64(AlignedBuffer<Int64>)

    /// Bytes of the narrowest type that holds every integer of `range`: 1, 2, 4 or 8.
    public static func byteWidth(_ range: ClosedRange<Int64>) -> Int {
        if range.lowerBound >= -0x80 && range.upperBound <= 0x7f { return 1 }
        if range.lowerBound >= -0x8000 && range.upperBound <= 0x7fff { return 2 }
        if range.lowerBound >= -0x8000_0000 && range.upperBound <= 0x7fff_ffff { return 4 }
        return 8
    }

    /// Uninitialised storage of the narrowest type for `range`.
    public init(uninitialized count: Int, range: ClosedRange<Int64>) {
        self.init(uninitialized: count, byteWidth: IntegerBuffer.byteWidth(range))
    }

    /// Uninitialised storage of integers of 1, 2, 4 or 8 bytes.
    public init(uninitialized count: Int, byteWidth: Int) {
        switch byteWidth {
        case 1: self = .int8(.init(uninitialized: count))
        case 2: self = .int16(.init(uninitialized: count))
        case 4: self = .int32(.init(uninitialized: count))
        default: self = .int64(.init(uninitialized: count))
        }
    }

    /// The same inside another buffer, which lives as long, from byte `offset` on, a multiple of 64.
    public init(uninitialized count: Int, range: ClosedRange<Int64>, in memory: AlignedBuffer<UInt8>, at offset: Int) {
        switch IntegerBuffer.byteWidth(range) {
        case 1: self = .int8(.init(uninitialized: count, in: memory, at: offset))
        case 2: self = .int16(.init(uninitialized: count, in: memory, at: offset))
        case 4: self = .int32(.init(uninitialized: count, in: memory, at: offset))
        default: self = .int64(.init(uninitialized: count, in: memory, at: offset))
        }
    }

    @inlinable
    public var count: Int {
        switch self {
        case .int8(let b): b.count
        case .int16(let b): b.count
        case .int32(let b): b.count
        case .int64(let b): b.count
        }
    }

    /// The first element; valid while the buffer lives.
    @inlinable
    public var pointer: IntegerPointer {
        switch self {
        case .int8(let b): .int8(b.pointer)
        case .int16(let b): .int16(b.pointer)
        case .int32(let b): .int32(b.pointer)
        case .int64(let b): .int64(b.pointer)
        }
    }

    /// Bytes of one element.
    public var byteWidth: Int { pointer.byteWidth }

    /// Slow element access, for tests, tables and small tensors. Writing traps where the value does not fit.
    public subscript(index: Int) -> Int64 {
        get {
            precondition(index >= 0 && index < count)
            return withExtendedLifetime(self) { pointer[index] }
        }
        nonmutating set {
            precondition(index >= 0 && index < count)
            withExtendedLifetime(self) { pointer[index] = newValue }
        }
    }

    /// Runs a generic body on the storage as its own type.
    @inlinable
    public func visit<V: IntegerVisitor>(_ visitor: inout V) -> V.Result {
        withExtendedLifetime(self) { pointer.visit(count, &visitor) }
    }
}

/// Where integers of one of the four types lie. It keeps no memory alive: whoever uses it does.
public enum IntegerPointer: @unchecked Sendable {
    case int8(UnsafeMutablePointer<Int8>)
    case int16(UnsafeMutablePointer<Int16>)
    case int32(UnsafeMutablePointer<Int32>)
    case int64(UnsafeMutablePointer<Int64>)

    /// `count` integers of 1, 2, 4 or 8 bytes from an address on, a multiple of as many.
    public init(_ address: UnsafeMutableRawPointer, byteWidth: Int, count: Int) {
        switch byteWidth {
        case 1: self = .int8(address.bindMemory(to: Int8.self, capacity: count))
        case 2: self = .int16(address.bindMemory(to: Int16.self, capacity: count))
        case 4: self = .int32(address.bindMemory(to: Int32.self, capacity: count))
        default: self = .int64(address.bindMemory(to: Int64.self, capacity: count))
        }
    }

    /// Bytes of one element.
    public var byteWidth: Int {
        switch self {
        case .int8: 1
        case .int16: 2
        case .int32: 4
        case .int64: 8
        }
    }

    /// The first byte.
    public var address: UnsafeRawPointer {
        switch self {
        case .int8(let p): UnsafeRawPointer(p)
        case .int16(let p): UnsafeRawPointer(p)
        case .int32(let p): UnsafeRawPointer(p)
        case .int64(let p): UnsafeRawPointer(p)
        }
    }

    /// `count` elements further.
    public static func + (pointer: IntegerPointer, count: Int) -> IntegerPointer {
        switch pointer {
        case .int8(let p): .int8(p + count)
        case .int16(let p): .int16(p + count)
        case .int32(let p): .int32(p + count)
        case .int64(let p): .int64(p + count)
        }
    }

    /// Slow access to one element. Writing traps where the value does not fit.
    public subscript(index: Int) -> Int64 {
        get {
            switch self {
            case .int8(let p): Int64(p[index])
            case .int16(let p): Int64(p[index])
            case .int32(let p): Int64(p[index])
            case .int64(let p): p[index]
            }
        }
        nonmutating set {
            switch self {
            case .int8(let p): p[index] = Int8(newValue)
            case .int16(let p): p[index] = Int16(newValue)
            case .int32(let p): p[index] = Int32(newValue)
            case .int64(let p): p[index] = newValue
            }
        }
    }

    /// Runs a generic body on `count` elements as their own type.
    @inlinable
    public func visit<V: IntegerVisitor>(_ count: Int, _ visitor: inout V) -> V.Result {
        switch self {
        case .int8(let p): visitor.visit(.init(start: p, count: count))
        case .int16(let p): visitor.visit(.init(start: p, count: count))
        case .int32(let p): visitor.visit(.init(start: p, count: count))
        case .int64(let p): visitor.visit(.init(start: p, count: count))
        }
    }
}

/// A body that is generic over the integer type of an `IntegerBuffer`.
public protocol IntegerVisitor {
    associatedtype Result
    mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) -> Result
}

/// A tensor of integers with a declared range, stored as narrowly as the range allows, row-major, without padding.
public struct IntegerTensor: Sendable {
    public let shape: TensorShape
    /// Every entry lies in this range; whoever makes the tensor answers for it (`firstOutOfRange` checks).
    public let range: ClosedRange<Int64>
    public let storage: IntegerBuffer

    public init(shape: TensorShape, range: ClosedRange<Int64>, storage: IntegerBuffer) {
        precondition(storage.count == shape.count, "storage holds \(storage.count) entries, shape \(shape)")
        self.shape = shape
        self.range = range
        self.storage = storage
    }

    /// Uninitialised storage: write every entry before the first read.
    public init(uninitialized shape: TensorShape, range: ClosedRange<Int64>) {
        self.init(shape: shape, range: range, storage: .init(uninitialized: shape.count, range: range))
    }

    /// A tensor from 64-bit values; traps where one lies outside the range.
    public init(shape: TensorShape, range: ClosedRange<Int64>, values: [Int64]) {
        self.init(uninitialized: shape, range: range)
        precondition(values.count == shape.count)
        for (i, v) in values.enumerated() {
            precondition(range.contains(v), "\(v) is outside \(range)")
            storage[i] = v
        }
    }

    public subscript(index: Int) -> Int64 { storage[index] }
    /// All entries, widened. For tests and small tensors.
    public var values: [Int64] { (0..<shape.count).map { storage[$0] } }

    /// The index and value of the first entry outside the declared range, or nil.
    public func firstOutOfRange() -> (index: Int, value: Int64)? {
        struct Check: IntegerVisitor {
            let range: ClosedRange<Int64>
            mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) -> (index: Int, value: Int64)? {
                for (i, v) in elements.enumerated() where !range.contains(Int64(v)) { return (i, Int64(v)) }
                return nil
            }
        }
        var check = Check(range: range)
        return storage.visit(&check)
    }
}
