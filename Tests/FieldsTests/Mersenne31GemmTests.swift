import CSIMD
import Tensors
import TestSupport
import Testing

/// The integer matrix products, at every CPU level. They belong to no field; they share the switch of levels.
@Suite(.serialized) struct GemmTests {
    static let shapes: [(m: Int, n: Int, k: Int)] = [
        (0, 3, 4), (3, 0, 4), (3, 4, 0), (13, 50, 0), (1, 1, 1), (1, 7, 3), (7, 1, 65), (2, 3, 63), (3, 5, 64),
        (4, 4, 66), (5, 9, 127), (11, 200, 33), (200, 11, 129), (12, 12, 4), (16, 48, 512), (17, 49, 515),
        (33, 97, 1031),
        (24, 30, 65), (25, 25, 65), (30, 24, 64), (24, 24, 3), (26, 23, 513), (130, 100, 77), (64, 64, 64),
        (257, 3, 20), (31, 145, 1537),
    ]

    func factor<T: FixedWidthInteger>(_: T.Type, _ count: Int, _ filling: Int, _ state: inout UInt64) -> [T] {
        (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            switch filling {
            case 0: return T(truncatingIfNeeded: state >> 40)
            case 1: return T.min
            case 2: return T.max
            case 3: return [T.min, T.max, 0, 1, -1][Int(state >> 40) % 5]
            default: return T(truncatingIfNeeded: Int(state >> 40) % 100 - 50)
            }
        }
    }

    @Test func eightBits() {
        atEveryLevel { level in
            var state: UInt64 = 1
            for (m, n, k) in Self.shapes {
                for filling in [(0, 0), (1, 1), (1, 2), (3, 3), (2, 2), (4, 0)] {
                    let a = factor(Int8.self, m * k, filling.0, &state)
                    let b = factor(Int8.self, n * k, filling.1, &state)
                    // One more entry, which must stay.
                    var c = [Int32](repeating: 77, count: m * n + 1)
                    csimd_gemm_s8(a, b, &c, m, n, k)
                    var want = [Int32](repeating: 77, count: m * n + 1)
                    for i in 0..<m {
                        for j in 0..<n {
                            var sum: Int32 = 0
                            for l in 0..<k { sum += Int32(a[i * k + l]) * Int32(b[j * k + l]) }
                            want[i * n + j] = sum
                        }
                    }
                    #expect(c == want, "\(m) x \(n) x \(k) at \(level)")

                    let bytes = csimd_gemm_s8_packed_bytes(m, n, k)
                    #expect(bytes == 0 || level == "avx512")
                    guard bytes > 0 else { continue }
                    let packed = AlignedBuffer<UInt8>(repeating: 0x55, count: bytes + 1)
                    csimd_gemm_s8_pack(b, n, k, packed.pointer)
                    #expect(packed[bytes] == 0x55)
                    var other = [Int32](repeating: 77, count: m * n + 1)
                    csimd_gemm_s8_packed(a, b, packed.pointer, &other, m, n, k)
                    #expect(other == want, "\(m) x \(n) x \(k), arranged before")
                    // On another level it is of no use, and does no harm.
                    csimd_set_level(CSIMD_LEVEL_PORTABLE)
                    other = [Int32](repeating: 77, count: m * n + 1)
                    csimd_gemm_s8_packed(a, b, packed.pointer, &other, m, n, k)
                    csimd_set_level(CSIMD_LEVEL_AVX512)
                    #expect(other == want, "\(m) x \(n) x \(k), arranged on another level")
                }
            }
        }
    }

    @Test func sixteenBits() {
        atEveryLevel { level in
            var state: UInt64 = 2
            for (m, n, k) in Self.shapes {
                for filling in [(0, 0), (1, 1), (1, 2), (3, 3), (2, 2), (4, 4), (4, 1)] {
                    let a = factor(Int16.self, m * k, filling.0, &state)
                    let b = factor(Int16.self, n * k, filling.1, &state)
                    var c = [Int64](repeating: 77, count: m * n + 1)
                    csimd_gemm_s16(a, b, &c, m, n, k)
                    var want = [Int64](repeating: 77, count: m * n + 1)
                    for i in 0..<m {
                        for j in 0..<n {
                            var sum: Int64 = 0
                            for l in 0..<k { sum += Int64(a[i * k + l]) * Int64(b[j * k + l]) }
                            want[i * n + j] = sum
                        }
                    }
                    #expect(c == want, "\(m) x \(n) x \(k) at \(level)")
                }
            }
        }
    }

    /// Rows that lie apart: what is between them is neither read as entries nor written.
    @Test func eightBitsWithRowsApart() {
        atEveryLevel { level in
            var state: UInt64 = 3
            for (index, (m, n, k)) in Self.shapes.enumerated() {
                let (lda, ldb, ldc) = (k + index % 3, k + index % 5, n + index % 4)
                for filling in [(0, 0), (1, 1), (1, 2), (3, 3)] {
                    let a = factor(Int8.self, m * lda, filling.0, &state)
                    let b = factor(Int8.self, n * ldb, filling.1, &state)
                    var c = [Int32](repeating: 77, count: m * ldc + 1)
                    var want = c
                    csimd_gemm_s8_strided(a, lda, b, ldb, &c, ldc, m, n, k)
                    for i in 0..<m {
                        for j in 0..<n {
                            want[i * ldc + j] = (0..<k).reduce(0) {
                                $0 + Int32(a[i * lda + $1]) * Int32(b[j * ldb + $1])
                            }
                        }
                    }
                    #expect(c == want, "\(m) x \(n) x \(k) at \(level)")
                }
            }
        }
    }

    @Test func sixteenByEightBits() {
        atEveryLevel { level in
            var state: UInt64 = 4
            let shapes = Self.shapes + [(9, 16, 256), (8, 32, 257), (7, 33, 255), (5, 15, 2), (1, 31, 513)]
            for (index, (m, n, k)) in shapes.enumerated() {
                let (lda, ldb, ldc) = (k + index % 3, n + index % 5, n + index % 4)
                for filling in [(0, 0), (1, 1), (1, 2), (3, 3), (2, 1), (2, 2), (4, 0)] {
                    let a = factor(Int16.self, m * lda, filling.0, &state)
                    // No row after the last, nor the rest of that one.
                    let b = factor(Int8.self, k == 0 ? 0 : (k - 1) * ldb + n, filling.1, &state)
                    var c = [Int32](repeating: 77, count: m * ldc + 1)
                    var want = c
                    csimd_gemm_s16_s8(a, lda, b, ldb, &c, ldc, m, n, k)
                    for i in 0..<m {
                        for j in 0..<n {
                            // Modulo 2^32.
                            want[i * ldc + j] = (0..<k).reduce(0) {
                                $0 &+ Int32(a[i * lda + $1]) * Int32(b[$1 * ldb + j])
                            }
                        }
                    }
                    #expect(c == want, "\(m) x \(n) x \(k) at \(level)")
                }
            }
        }
    }
}
