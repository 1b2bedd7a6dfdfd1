import CSIMD

/// The one parallel-for: a thin shell over the C thread pool.
public enum Parallel {
    /// Threads in use (`OMP_NUM_THREADS` or all processors, unless set).
    public static var threadCount: Int {
        get { Int(csimd_thread_count()) }
        set { csimd_set_thread_count(Int32(clamping: newValue)) }
    }

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

    /// Splits `0..<count` into chunks whose starts are multiples of `grain` and calls `body` once for each chunk.
    /// One chunk, on the calling thread, where `count <= grain`.
    public static func forEachChunk(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        guard count > 0 else { return }
        precondition(grain > 0)
        if count <= grain || threadCount == 1 { return body(0..<count) }
        let pieces = min((count + grain - 1) / grain, 4 * threadCount)
        let size = ((count + pieces - 1) / pieces + grain - 1) / grain * grain
        let chunks = (count + size - 1) / size
        forEach(chunks) { i in body(i * size..<min(count, (i + 1) * size)) }
    }

    private final class Box {
        let body: (Int) -> Void
        init(_ body: @escaping (Int) -> Void) { self.body = body }
    }
}
