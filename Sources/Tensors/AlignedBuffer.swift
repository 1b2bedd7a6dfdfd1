import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Uninitialised-on-request, 64-byte-aligned memory for vectors that kernels read and write.
///
/// From 64 KiB on the memory lies in mappings with huge pages, which halves the cost of first touch and of strided reads,
/// and is used again when it is freed. Copies share the memory, which lives as long as one of them.
///
/// Not thread-safe by itself: concurrent writers must write disjoint ranges.
public struct AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    /// The number of elements.
    public let count: Int
    /// The first element; valid while the buffer lives.
    public let pointer: UnsafeMutablePointer<Element>
    @usableFromInline let memory: AlignedMemory

    /// Memory for `count` elements. It holds anything, earlier buffers' contents included: write before you read.
    @inlinable
    public init(uninitialized count: Int) {
        precondition(count >= 0)
        self.count = count
        let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(!overflow, "buffer size overflows")
        memory = AlignedMemory(bytes: bytes)
        pointer = memory.start.bindMemory(to: Element.self, capacity: max(count, 1))
    }

    /// `count` copies of `value`, on all threads where they are many.
    @inlinable
    public init(repeating value: Element, count: Int) {
        self.init(uninitialized: count)
        let start = pointer
        Parallel.forEachChunk(count, grain: 1 << 14) { (start + $0.lowerBound).fill(value, count: $0.count) }
    }

    /// A copy of `elements`.
    @inlinable
    public init(_ elements: some Collection<Element>) {
        self.init(uninitialized: elements.count)
        var i = 0
        for element in elements {
            pointer[i] = element
            i += 1
        }
    }

    /// Memory for `count` elements inside another buffer's, from byte `offset` on, a multiple of 64.
    @inlinable
    public init(uninitialized count: Int, in other: AlignedBuffer<UInt8>, at offset: Int) {
        precondition(count >= 0 && offset >= 0 && offset % 64 == 0)
        precondition(offset + max(count, 1) * MemoryLayout<Element>.stride <= other.count)
        self.count = count
        memory = other.memory
        let raw = UnsafeMutableRawPointer(other.pointer) + offset
        pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
    }

    @inlinable
    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count)
            return pointer[index]
        }
        nonmutating set {
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

extension UnsafeMutablePointer where Pointee: BitwiseCopyable {
    /// Sets `count` elements by copying memory: in unspecialised code much faster than one element at a time.
    @inlinable
    public func fill(_ value: Pointee, count: Int) {
        guard count > 0 else { return }
        initialize(to: value)
        let stride = MemoryLayout<Pointee>.stride
        let bytes = UnsafeMutableRawPointer(self)
        // Doubled up to some kilobytes, which are then copied from the nearest cache.
        var done = 1
        while done < count {
            let next = Swift.min(done, Swift.max(1, 4096 / stride), count - done)
            (bytes + done * stride).copyMemory(from: bytes, byteCount: next * stride)
            done += next
        }
    }
}

/// The memory of buffers.
///
/// From 64 KiB on: a buddy allocator (Knowlton 1965) over large mappings with huge pages. What one
/// phase of a proof has freed, the next uses again, whatever the sizes: the kernel's clearing of fresh pages, on virtual
/// machines also the host's, was a third of a proof's time.
@usableFromInline
final class AlignedMemory: Sendable {
    @usableFromInline nonisolated(unsafe) let start: UnsafeMutableRawPointer
    /// Bytes of the block, or 0 where it is from `malloc`.
    private let mapped: Int

    @usableFromInline
    init(bytes: Int) { (start, mapped) = AlignedMemory.allocate(bytes: bytes) }

    deinit { AlignedMemory.deallocate(start, mapped: mapped) }

    /// Smaller buffers come from `malloc`.
    private static let smallest = 1 << 16
    /// The least that is asked of the system at a time; pages cost nothing before they are touched.
    static let region = 1 << 28
    /// As long as no more than this is mapped, whatever is freed stays with the process.
    static let mostMapped = 5 << 29
    /// Free memory that stays with it anyway; blocks freed beyond it lose their pages.
    static let mostKept = 1 << 30

    private struct Buddies: @unchecked Sendable {
        /// Addresses of free blocks of 2^order bytes, rising.
        var free = [[UInt]](repeating: [], count: 64)
        var freeBytes = 0
        var mappedBytes = 0

        private static func position(_ list: [UInt], _ address: UInt) -> Int {
            var low = 0
            var high = list.count
            while low < high {
                let middle = (low + high) / 2
                if list[middle] < address { low = middle + 1 } else { high = middle }
            }
            return low
        }

        mutating func allocate(order: Int) -> UInt {
            var from = order
            while from < 64 && free[from].isEmpty { from += 1 }
            if from == 64 {
                let size = max(AlignedMemory.region, 1 << order)
                from = size.trailingZeroBitCount
                free[from].append(AlignedMemory.map(size))
                freeBytes += size
                mappedBytes += size
            }
            // The lowest address first: high ones may never have been touched.
            let address = free[from].removeFirst()
            while from > order {
                from -= 1
                let upper = address + 1 << UInt(from)
                free[from].insert(upper, at: Buddies.position(free[from], upper))
            }
            freeBytes -= 1 << order
            return address
        }

        mutating func deallocate(_ address: UInt, order: Int) {
            freeBytes += 1 << order
            var (address, order) = (address, order)
            while true {
                let buddy = address ^ (1 << UInt(order))
                let position = Buddies.position(free[order], buddy)
                guard position < free[order].count, free[order][position] == buddy else { break }
                free[order].remove(at: position)
                address = min(address, buddy)
                order += 1
            }
            if mappedBytes > AlignedMemory.mostMapped && 1 << order >= AlignedMemory.region
                && freeBytes - 1 << order >= AlignedMemory.region
            {
                munmap(UnsafeMutableRawPointer(bitPattern: address), 1 << order)
                mappedBytes -= 1 << order
                freeBytes -= 1 << order
                return
            }
            free[order].insert(address, at: Buddies.position(free[order], address))
        }
    }
    private static let buddies = Mutex(Buddies())

    /// A mapping of `size` bytes, a power of two, aligned to its size so that buddies differ in one bit of their address.
    private static func map(_ size: Int) -> UInt {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let raw = mmap(nil, 2 * size, PROT_READ | PROT_WRITE, flags, -1, 0), raw != MAP_FAILED else {
            fatalError("out of memory: \(size) bytes")
        }
        let start = UInt(bitPattern: raw)
        let aligned = (start + UInt(size) - 1) & ~(UInt(size) - 1)
        if aligned > start { munmap(raw, Int(aligned - start)) }
        let end = start + 2 * UInt(size)
        if end > aligned + UInt(size) {
            munmap(UnsafeMutableRawPointer(bitPattern: aligned + UInt(size)), Int(end - aligned) - size)
        }
        #if os(Linux)
            _ = madvise(UnsafeMutableRawPointer(bitPattern: aligned), size, 14)  // MADV_HUGEPAGE
        #endif
        return aligned
    }

    /// The memory and its size as `deallocate` wants it: 0 where it is from `malloc`.
    private static func allocate(bytes: Int) -> (UnsafeMutableRawPointer, Int) {
        guard bytes >= smallest else {
            var raw: UnsafeMutableRawPointer?
            guard posix_memalign(&raw, 64, bytes) == 0, let raw else { fatalError("out of memory: \(bytes) bytes") }
            return (raw, 0)
        }
        guard bytes <= 1 << 46 else { fatalError("out of memory: \(bytes) bytes") }
        let order = Int.bitWidth - (bytes - 1).leadingZeroBitCount
        let address = buddies.withLock { $0.allocate(order: order) }
        return (UnsafeMutableRawPointer(bitPattern: address)!, 1 << order)
    }

    private static func deallocate(_ raw: UnsafeMutableRawPointer, mapped size: Int) {
        if size == 0 { return free(raw) }
        let address = UInt(bitPattern: raw)
        buddies.withLock {
            if size >= 1 << 21 && $0.freeBytes > mostKept + region && $0.mappedBytes > mostMapped {
                madvise(UnsafeMutableRawPointer(bitPattern: address), size, Int32(MADV_DONTNEED))
            }
            $0.deallocate(address, order: size.trailingZeroBitCount)
        }
    }
}
