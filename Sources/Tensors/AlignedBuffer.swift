#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import Synchronization

/// Uninitialised-on-request, 64-byte-aligned memory for vectors that kernels read and write.
///
/// From 2 MiB on the memory is mapped and advised to use huge pages, which halves the cost of first touch and of strided
/// reads; large blocks are kept and used again. A class, because prover state keeps buffers in arrays and dictionaries,
/// which cannot hold `~Copyable` values; its pointers are taken once per kernel call, never inside a loop.
///
/// Not thread-safe by itself: concurrent writers must write disjoint ranges.
public final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    /// The number of elements.
    public let count: Int
    /// The first element; valid while the buffer lives.
    public let pointer: UnsafeMutablePointer<Element>
    @usableFromInline let mappedBytes: Int

    /// Memory for `count` elements. It holds anything, earlier buffers' contents included: write before you read.
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

/// Memory of buffers. Freed blocks of 64 KiB and more are kept for later buffers: a proof makes and drops thousands of
/// large buffers, and the kernel's clearing of fresh pages took a third of its time.
@usableFromInline
enum AlignedMemory {
    static let hugePage = 1 << 21
    /// Smaller blocks come from the allocator, which keeps them by itself.
    @usableFromInline static let smallestKept = 1 << 16
    /// Blocks below a huge page are cut from slabs of this size, which are never given back.
    static let slab = 1 << 23
    /// Larger blocks that are kept at most: beyond it, memory goes back to the system.
    static let mostKept = 256 << 20

    private struct Kept: @unchecked Sendable {
        /// Free blocks by size.
        var blocks: [Int: [UnsafeMutableRawPointer]] = [:]
        /// The sizes that there are, rising.
        var sizes: [Int] = []
        var largeBytes = 0
        var slab: UnsafeMutableRawPointer?
        var slabBytes = 0

        /// A free block of `size` or, rather than fresh memory, up to four times as much.
        mutating func take(_ size: Int) -> (UnsafeMutableRawPointer, Int)? {
            var low = 0
            var high = sizes.count
            while low < high {
                let middle = (low + high) / 2
                if sizes[middle] < size { low = middle + 1 } else { high = middle }
            }
            while low < sizes.count, sizes[low] <= 4 * size {
                if let block = blocks[sizes[low]]!.popLast() {
                    if sizes[low] >= AlignedMemory.hugePage { largeBytes -= sizes[low] }
                    return (block, sizes[low])
                }
                low += 1
            }
            return nil
        }

        mutating func give(_ block: UnsafeMutableRawPointer, _ size: Int) -> Bool {
            if size >= AlignedMemory.hugePage {
                guard largeBytes + size <= AlignedMemory.mostKept else { return false }
                largeBytes += size
            }
            if blocks[size] == nil {
                blocks[size] = []
                sizes.insert(size, at: sizes.firstIndex { $0 > size } ?? sizes.count)
            }
            blocks[size]!.append(block)
            return true
        }

        mutating func cut(_ size: Int) -> UnsafeMutableRawPointer {
            if slabBytes < size {
                slab = AlignedMemory.map(AlignedMemory.slab)
                slabBytes = AlignedMemory.slab
            }
            defer {
                slab! += size
                slabBytes -= size
            }
            return slab!
        }
    }
    private static let kept = Mutex(Kept())

    /// At most an eighth larger than asked for, so that few sizes serve all buffers.
    static func sizeClass(_ bytes: Int) -> Int {
        let step = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount - 3)
        let grain = bytes >= hugePage ? max(step, hugePage) : step
        return (bytes + grain - 1) & ~(grain - 1)
    }

    static func map(_ size: Int) -> UnsafeMutableRawPointer {
        guard let raw = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), raw != MAP_FAILED
        else { fatalError("out of memory: \(size) bytes") }
        #if os(Linux)
            _ = madvise(raw, size, 14)  // MADV_HUGEPAGE
        #endif
        return raw
    }

    /// The memory and the size to return it with: 0 where it is the allocator's.
    @usableFromInline
    static func allocate(bytes: Int) -> (UnsafeMutableRawPointer, Int) {
        guard bytes >= smallestKept else {
            var raw: UnsafeMutableRawPointer?
            guard posix_memalign(&raw, 64, bytes) == 0, let raw else { fatalError("out of memory: \(bytes) bytes") }
            return (raw, 0)
        }
        let size = sizeClass(bytes)
        let block: Block? = kept.withLock { kept in
            if let (pointer, size) = kept.take(size) { return Block(pointer: pointer, size: size) }
            return size < hugePage ? Block(pointer: kept.cut(size), size: size) : nil
        }
        if let block { return (block.pointer, block.size) }
        return (map(size), size)
    }

    @usableFromInline
    static func deallocate(_ raw: UnsafeMutableRawPointer, mapped size: Int) {
        if size == 0 { return free(raw) }
        let block = Block(pointer: raw, size: size)
        if !kept.withLock({ $0.give(block.pointer, block.size) }) { munmap(raw, size) }
    }

    private struct Block: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
        let size: Int
    }
}
