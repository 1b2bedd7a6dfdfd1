import CSIMD
import Synchronization

/// The one parallel-for: a thin shell over the C thread pool.
public enum Parallel {
    /// Threads in use (`OMP_NUM_THREADS` or all processors, unless set).
    public static var threadCount: Int {
        get { Int(csimd_thread_count()) }
        set { csimd_set_thread_count(Int32(clamping: newValue)) }
    }

    /// Threads that a loop started here would have: one inside another loop.
    public static var freeThreadCount: Int { Int(csimd_free_thread_count()) }

    /// Calls `body(i)` once for each `i` in `0..<count`, in any order, on all threads. Nested calls run serially.
    public static func forEach(_ count: Int, _ body: (Int) -> Void) {
        guard count > 0 else { return }
        if count == 1 { return body(0) }
        withoutActuallyEscaping(body) { escaping in
            let box = Box(escaping)
            withExtendedLifetime(box) {
                csimd_parallel_for(
                    count,
                    { context, index in
                        Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue().body(index)
                    }, Unmanaged.passUnretained(box).toOpaque())
            }
        }
    }

    /// Calls `body(i, &state)` once for each `i` in `0..<count`, in any order, on all threads, each of which makes a state of its
    /// own with its first index; `finish` gets the states, one after the other in no fixed order. Of two loops over as many indices
    /// a thread mostly gets the same, and neighbours.
    public static func forEach<State>(
        _ count: Int, state make: () -> State, finish: (State) -> Void = { _ in }, _ body: (Int, inout State) -> Void
    ) {
        guard count > 0 else { return }
        let lock = Mutex(())
        func part() {
            var index = 0
            guard csimd_next_index(&index) != 0 else { return }
            var state = make()
            repeat { body(index, &state) } while csimd_next_index(&index) != 0
            lock.withLock { _ in finish(state) }
        }
        withoutActuallyEscaping({ (_: Int) in part() }) { escaping in
            let box = Box(escaping)
            withExtendedLifetime(box) {
                csimd_parallel_takers(
                    count, { Unmanaged<Box>.fromOpaque($0!).takeUnretainedValue().body(0) },
                    Unmanaged.passUnretained(box).toOpaque())
            }
        }
    }

    /// Calls `body(i)` once for each `i` in `0..<count`, on all threads, each of which takes the least index that is left: for tasks
    /// that are sorted by their work. (`forEach` gives each thread a part of the indices.)
    public static func forEachInOrder(_ count: Int, _ body: (Int) -> Void) {
        let next = Atomic(0)
        forEach(min(count, freeThreadCount)) { _ in
            while true {
                let i = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard i < count else { return }
                body(i)
            }
        }
    }

    /// Splits `0..<count` into chunks of about `grain`, more where they are many, as many for each thread, and calls `body` once
    /// for each chunk. Starts are multiples of an eighth of `grain`. One chunk, on the calling thread, where `count <= grain`
    /// or inside another loop.
    public static func forEachChunk(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        guard count > 0 else { return }
        precondition(grain > 0)
        let threads = freeThreadCount
        if count <= grain || threads == 1 { return body(0..<count) }
        let wanted = min((count + grain - 1) / grain, 4 * threads)
        let pieces = (wanted + threads - 1) / threads * threads
        let unit = max(1, grain / 8)
        let size = ((count + pieces - 1) / pieces + unit - 1) / unit * unit
        forEach((count + size - 1) / size) { i in body(i * size..<min(count, (i + 1) * size)) }
    }

    /// Work, in multiplications of field elements or so, from which loops inside a task keep all threads busy.
    public static var large: Int { 1 << 17 }

    /// Calls `body(i)` once for each `i` in `0..<count`, in any order: what has much work first, one after the other, so that
    /// loops inside it have all threads; then all others on all threads, unless that is not worth it.
    public static func forEach(
        _ count: Int, work: (Int) -> Int, large: Int = Parallel.large, _ body: (Int) -> Void
    ) {
        if freeThreadCount == 1 {
            for i in 0..<count { body(i) }
            return
        }
        var small: [(index: Int, work: Int)] = []
        var total = 0
        for i in 0..<count {
            let work = work(i)
            if work >= large {
                body(i)
            } else {
                small.append((i, work))
                total += work
            }
        }
        if total < 1 << 11 {
            for task in small { body(task.index) }
            return
        }
        // Largest first, so that threads end together.
        small.sort { $0.work > $1.work }
        forEachInOrder(small.count) { body(small[$0].index) }
    }

    /// The values of `body` at `0..<count`, made as `forEach(_:work:large:_:)` does.
    public static func map<Value>(
        _ count: Int, work: (Int) -> Int, large: Int = Parallel.large, _ body: (Int) -> Value
    ) -> [Value] {
        var values = [Value?](repeating: nil, count: count)
        values.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            forEach(count, work: work, large: large) { start[$0] = body($0) }
        }
        return values.map { $0! }
    }

    /// Calls both, at the same time unless one has so much work that loops inside it have use for all threads.
    public static func both(work: (Int, Int), _ first: () -> Void, _ second: () -> Void) {
        let works = [work.0, work.1]
        forEach(2, work: { works[$0] }, { $0 == 0 ? first() : second() })
    }

    private final class Box {
        let body: (Int) -> Void
        init(_ body: @escaping (Int) -> Void) { self.body = body }
    }
}
