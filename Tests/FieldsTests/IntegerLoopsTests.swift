import CSIMD
import Tensors
import TestSupport
import Testing

/// The loops over small integers, at every CPU level. They belong to no field; they share the switch of levels.
@Suite(.serialized) struct IntegerLoopsTests {
    /// Against Swift, for all widths, odd lengths and starts, values at the ends of their type and of ranges; nothing is written
    /// before or behind.
    @Test func split() {
        atEveryLevel { level in
            splitAll(Int16.self, level)
            splitAll(Int32.self, level)
        }
    }

    func splitAll<X: SmallInteger>(_: X.Type, _ level: String) {
        splitAll(X.self, Int8.self, level)
        splitAll(X.self, Int16.self, level)
        splitAll(X.self, Int32.self, level)
    }

    func splitAll<X: SmallInteger, L: SmallInteger>(_: X.Type, _: L.Type, _ level: String) {
        split(X.self, L.self, Int8.self, level)
        split(X.self, L.self, Int16.self, level)
        split(X.self, L.self, Int32.self, level)
    }

    func split<X: SmallInteger, L: SmallInteger, A: SmallInteger>(_: X.Type, _: L.Type, _: A.Type, _ level: String) {
        let edges: [X] = [0, 1, -1, .min, .min &+ 1, .max, .max &- 1, 127, -128, 128, 1 << 14, -1 << 14]
        let splits: [(Int, Int32, Int32)] = [
            (0, 0, 0), (1, 1, -3), (7, 64, 0), (8, 128, 100), (13, 1 << 12, 1 << 20), (16, 1 << 15, -1),
            (30, .max, .min),
        ]
        var state: UInt64 = 3
        func random() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 24
        }
        for count in [0, 1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 200] {
            for (shift, addend, offset) in splits {
                for isEdge in [true, false] {
                    let start = Int(random() % 5)
                    let x = AlignedBuffer<X>(uninitialized: count + start)
                    for i in 0..<count + start {
                        x[i] = isEdge ? edges[Int(random() % UInt64(edges.count))] : X(truncatingIfNeeded: random())
                    }
                    var limbs = [L](repeating: 77, count: count + start + 1)
                    var quotients = [A](repeating: 77, count: count + start + 1)
                    var all: [Int32] = []
                    let mask: Int32 = 1 &<< Int32(shift) &- 1
                    for i in 0..<count {
                        let sum: Int32 = Int32(truncatingIfNeeded: x[start + i]) &+ addend
                        let h: Int32 = (sum >> Int32(shift)) &+ offset
                        limbs[start + i] = L(truncatingIfNeeded: sum & mask)
                        quotients[start + i] = A(truncatingIfNeeded: h)
                        all.append(h)
                    }
                    let (least, greatest) = (all.min() ?? 0, all.max() ?? 0)
                    // All inside; the least outside; the greatest outside.
                    let ranges: [(ClosedRange<Int32>, Bool)] = [
                        (least...greatest, true), (Int32.min...Int32.max, true),
                        (min(least, .max - 1) + 1...Int32.max, least == .max || count == 0),
                        (Int32.min...max(greatest, .min + 1) - 1, greatest == .min || count == 0),
                    ]
                    for (range, isInside) in ranges {
                        let ownLimbs = AlignedBuffer<L>(repeating: 77, count: count + start + 1)
                        let ownQuotients = AlignedBuffer<A>(repeating: 77, count: count + start + 1)
                        let found = withExtendedLifetime((x, ownLimbs, ownQuotients)) {
                            (pointer(x.pointer) + start).split(
                                count: count, addend: addend, shift: shift, offset: offset, range: range,
                                limbs: pointer(ownLimbs.pointer) + start,
                                quotients: pointer(ownQuotients.pointer) + start)
                        }
                        let name = "\(level) \(X.self) \(L.self) \(A.self) \(count) \(shift) \(range)"
                        #expect(found == isInside, "\(name)")
                        #expect(ownLimbs.array == limbs, "\(name)")
                        #expect(ownQuotients.array == quotients, "\(name)")
                    }
                }
            }
        }
    }

    func pointer<T: SmallInteger>(_ start: UnsafeMutablePointer<T>) -> IntegerPointer {
        IntegerPointer(start, byteWidth: MemoryLayout<T>.size, count: 0)
    }
}
