import Dispatch
import Tensors
import Testing

@Suite struct TensorsTests {
    @Test func shapes() {
        let shape = TensorShape([3, 1, 5, 8])
        #expect(shape.count == 120 && shape.bits == [2, 0, 3, 3] && shape.paddedCount == 256)
        #expect(shape.paddedIndex([2, 0, 4, 7]) == 2 << 6 | 4 << 3 | 7)
        let point = Array(0..<8)
        #expect(shape.split(point) == [[6, 7], [], [3, 4, 5], [0, 1, 2]])
        #expect(TensorShape.join(shape.split(point)) == point)
        #expect(TensorShape([]).count == 1 && TensorShape([]).variableCount == 0)
        #expect([1, 2, 3, 4, 5, 1 << 20, 1 << 20 + 1].map(TensorShape.bits) == [0, 1, 2, 2, 3, 20, 21])
    }

    @Test func narrowStorage() {
        for (range, width): (ClosedRange<Int64>, Int) in [
            (-128...127, 1), (-129...0, 2), (0...128, 2), (-32768...32767, 2), (0...32768, 4), (-2_147_483_649...0, 8),
        ] {
            #expect(IntegerBuffer.byteWidth(range) == width)
            let tensor = IntegerTensor(
                shape: TensorShape([2]), range: range, values: [range.lowerBound, range.upperBound])
            #expect(tensor.values == [range.lowerBound, range.upperBound] && tensor.storage.byteWidth == width)
            #expect(tensor.firstOutOfRange() == nil)
        }
        let wide = IntegerTensor(
            shape: TensorShape([3]), range: 0...1, storage: .int32(AlignedBuffer<Int32>([0, 1, 2])))
        #expect(wide.firstOutOfRange()?.index == 2)
    }

    @Test func buffers() {
        for count in [0, 1, 7, 1 << 12, 1 << 18, 1 << 19 + 3] {
            let buffer = AlignedBuffer<Int64>(repeating: -3, count: count)
            #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
            #expect(buffer.elements.allSatisfy { $0 == -3 } && buffer.count == count)
        }
    }

    @Test(arguments: [0, 1, 2, 3, 100, 10_000]) func parallelLoopsVisitEachIndexOnce(_ count: Int) {
        final class Counts: @unchecked Sendable {
            let values: AlignedBuffer<Int32>
            init(_ count: Int) { values = AlignedBuffer(repeating: 0, count: count) }
        }
        let counts = Counts(count)
        Parallel.forEach(count) { counts.values.pointer[$0] += 1 }
        Parallel.forEachChunk(count, grain: 7) { for i in $0 { counts.values.pointer[i] += 1 } }
        // Nested loops run on the thread that starts them.
        Parallel.forEach(count == 0 ? 0 : 3) { outer in
            Parallel.forEachChunk(count, grain: 16) { range in
                if outer == 1 { for i in range { counts.values.pointer[i] += 1 } }
            }
        }
        #expect(counts.values.elements.allSatisfy { $0 == 3 })
    }

    /// Loops with a state for each thread: each index once, all states handed over; inside other loops, with loops inside, and from
    /// several threads at once, of which one has the pool and the others go alone until it is free.
    @Test(.serialized, arguments: [0, 1, 2, 3, 100, 4000]) func parallelLoopsWithState(_ count: Int) {
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        @Sendable func sum(_ count: Int, _ inner: Int = 0) -> (sum: Int, states: Int) {
            var result = (sum: 0, states: 0)
            Parallel.forEach(
                count, state: { 0 },
                finish: {
                    result.sum += $0
                    result.states += 1
                }
            ) { i, state in
                state += i + 1
                if inner > 0 {
                    // Neither takes indices of the loop around it.
                    let own = sum(inner)
                    Parallel.forEachChunk(inner, grain: 1) { _ in }
                    if own.sum != inner * (inner + 1) / 2 { state = .min / 2 }
                }
            }
            return result
        }
        let expected = count * (count + 1) / 2
        for used in 1...4 {
            Parallel.threadCount = used
            let plain = sum(count)
            #expect(plain.sum == expected && (plain.states >= 1) == (count > 0))
            let visits = AlignedBuffer<Int>(repeating: 0, count: count)
            Parallel.forEach(count, state: { 0 }) { i, _ in visits.pointer[i] += 1 }
            #expect(visits.elements.allSatisfy { $0 == 1 })
            #expect(sum(count, 5).sum == expected)
        }
        let results = AlignedBuffer<Int>(repeating: 0, count: 4)
        let pointer = UInt(bitPattern: results.pointer)
        DispatchQueue.concurrentPerform(iterations: 4) { k in
            for _ in 0..<20 {
                if sum(count, 3).sum == expected { UnsafeMutablePointer<Int>(bitPattern: pointer)![k] += 1 }
            }
        }
        #expect(results.elements.allSatisfy { $0 == 20 })
    }
}
