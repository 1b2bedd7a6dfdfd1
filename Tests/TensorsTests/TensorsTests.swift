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
}
