#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Uninitialised-on-request, 64-byte-aligned memory for vectors that kernels read and write.
///
/// From 2 MiB on the memory is mapped and advised to use huge pages, which halves the cost of first touch and of strided
/// reads; smaller buffers come from the allocator. A class, because prover state keeps buffers in arrays and dictionaries,
/// which cannot hold `~Copyable` values; its pointers are taken once per kernel call, never inside a loop.
///
/// Not thread-safe by itself: concurrent writers must write disjoint ranges.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    /// The number of elements.
    public let count: Int
    /// The first element; valid while the buffer lives.
    public let pointer: UnsafeMutablePointer<Element>
    @usableFromInline let mappedBytes: Int

    /// Memory for `count` elements. Mapped memory starts as zeros, allocated memory as anything: write before you read.
    @inlinable
    public init(uninitialized count: Int) {
        precondition(count >= 0)
        self.count = count
        let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(!overflow, "buffer size overflows")
        let (raw, mapped) = AlignedMemory.allocate(bytes: bytes)
        self.mappedBytes = mapped
        self.pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
    }

    /// `count` copies of `value`.
    @inlinable
    public convenience init(repeating value: Element, count: Int) {
        self.init(uninitialized: count)
        pointer.initialize(repeating: value, count: count)
    }

    /// A copy of `elements`.
    @inlinable
    public convenience init(_ elements: some Collection<Element>) {
        self.init(uninitialized: elements.count)
        var i = 0
        for element in elements {
            pointer[i] = element
            i += 1
        }
    }

    deinit { AlignedMemory.deallocate(UnsafeMutableRawPointer(pointer), mapped: mappedBytes) }

    @inlinable
    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count)
            return pointer[index]
        }
        set {
            precondition(index >= 0 && index < count)
            pointer[index] = newValue
        }
    }

    /// All elements, for reading. The buffer must outlive the use (`withExtendedLifetime` or a local that is used after).
    @inlinable public var elements: UnsafeBufferPointer<Element> { .init(start: pointer, count: count) }
    /// All elements, for writing.
    @inlinable public var mutableElements: UnsafeMutableBufferPointer<Element> { .init(start: pointer, count: count) }
    /// A copy as an array.
    @inlinable public var array: [Element] { Array(elements) }
}

@usableFromInline
enum AlignedMemory {
    @usableFromInline static let hugePage = 1 << 21

    @usableFromInline
    static func allocate(bytes: Int) -> (UnsafeMutableRawPointer, Int) {
        if bytes >= hugePage {
            let size = (bytes + hugePage - 1) & ~(hugePage - 1)
            guard let raw = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                raw != MAP_FAILED
            else { fatalError("out of memory: \(size) bytes") }
            #if os(Linux)
                _ = madvise(raw, size, 14)  // MADV_HUGEPAGE
            #endif
            return (raw, size)
        }
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, 64, bytes) == 0, let raw else { fatalError("out of memory: \(bytes) bytes") }
        return (raw, 0)
    }

    @usableFromInline
    static func deallocate(_ raw: UnsafeMutableRawPointer, mapped: Int) {
        if mapped > 0 { munmap(raw, mapped) } else { free(raw) }
    }
}
