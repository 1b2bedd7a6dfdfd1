import Fields
import Tensors

/// A fixed sequence of words (splitmix64): no kernel's time depends on the values, but zeros could be special to a processor.
struct Words {
    var state: UInt64 = 0x9e37_79b9

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Repeats a random block to the wanted length; large vectors are filled at the speed of memory.
private func fill<T>(_ buffer: AlignedBuffer<T>, _ next: () -> T) {
    let block = min(buffer.count, 4096)
    for i in 0..<block { buffer.pointer[i] = next() }
    var filled = block
    while filled < buffer.count {
        let more = min(filled, buffer.count - filled)
        (buffer.pointer + filled).update(from: buffer.pointer, count: more)
        filled += more
    }
}

func elements<E: Field>(_ count: Int, _: E.Type = E.self) -> AlignedBuffer<E> {
    let buffer = AlignedBuffer<E>(uninitialized: count)
    var words = Words()
    fill(buffer) { E.uniform { words.next() } }
    return buffer
}

func integers<T: FixedWidthInteger & BitwiseCopyable>(_ count: Int, _: T.Type = T.self) -> AlignedBuffer<T> {
    let buffer = AlignedBuffer<T>(uninitialized: count)
    var words = Words()
    fill(buffer) { T(truncatingIfNeeded: words.next()) }
    return buffer
}
