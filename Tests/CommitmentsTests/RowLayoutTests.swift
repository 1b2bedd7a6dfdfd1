import Commitments
import Fields
import Tensors
import TestSupport
import Testing

@Suite struct RowLayoutTests {
    static let shapes: [[Int]] = [
        [2], [3], [8], [100], [1, 1, 7], [5, 7], [8, 8], [3, 8], [8, 3], [2, 3, 4], [3, 1, 5], [4, 3, 2, 5], [33, 2],
        [2, 33],
        [5, 3, 8], [7, 6, 1, 3], [1, 64], [64, 1], [9, 9, 9],
    ]

    /// Every number of columns for every shape: combinations of rows against the extension by definition, embedded rows
    /// against combinations.
    @Test(arguments: shapes)
    func agreesWithDefinition(dimensions: [Int]) {
        typealias F = Mersenne31
        var random = CommitmentTestGenerator(seed: 11)
        for range: ClosedRange<Int64> in [-128...127, -0x8000...0x7fff, -0x8000_0000...0x7fff_ffff] {
            let tensor = random.tensor(dimensions, range)
            let shape = tensor.shape
            let point: [QM31] = random.point(shape.variableCount)
            let expected = extensionByDefinition(tensor, at: point)
            for columnBits in 1...shape.variableCount + 2 {
                let matrix = MatrixLayout([shape], columnBits: columnBits)
                #expect(matrix.rowCount == MatrixLayout.rowCount([shape], columnBits: columnBits))
                let layout = matrix.vectors[0]
                #expect(layout.isBlock == (shape.variableCount < columnBits))
                let columns = matrix.columnCount
                let weights = AlignedBuffer<QM31>(repeating: .zero, count: matrix.rowCount)
                layout.addRowWeights(F.self, point, scale: .one, to: weights.pointer)
                let row = AlignedBuffer<QM31>(repeating: .zero, count: columns)
                var combination = RowCombination<F>(layout, weights: weights.pointer, addTo: row.pointer)
                tensor.storage.visit(&combination)
                let eq = AlignedBuffer<QM31>(uninitialized: columns)
                F.expandEq(layout.columnPoint(point), scale: .one, into: eq.pointer)
                #expect(F.innerProduct(row.pointer, eq.pointer, count: columns) == expected)

                let embedded = AlignedBuffer<M31>(repeating: M31(3), count: columns)
                let sum = AlignedBuffer<QM31>(repeating: .zero, count: columns)
                var entries = 0
                for r in 0..<matrix.rowCount {
                    // In pieces, as commitments do, whose borders lie anywhere.
                    for piece in [0..<(7 * r + 3) % columns, (7 * r + 3) % columns..<columns] {
                        matrix.embedRow(
                            F.self, r, columns: piece, of: [tensor], owners: matrix.owners,
                            into: embedded.pointer + piece.lowerBound)
                    }
                    for c in 0..<columns { sum[c] += weights[r].scaled(by: embedded[c]) }
                    entries += layout.entries(ofRow: r).count
                }
                #expect(sum.array == row.array)
                #expect(entries == shape.count)
            }
        }
    }

    /// Rows and blocks of all vectors of a matrix are disjoint and aligned.
    @Test func sharesRows() {
        let shapes = Self.shapes.map(TensorShape.init) + [TensorShape([]), TensorShape([1])]
        for columnBits in 1...11 {
            let matrix = MatrixLayout(shapes, columnBits: columnBits)
            #expect(matrix.rowCount == MatrixLayout.rowCount(shapes, columnBits: columnBits))
            var taken = [Bool](repeating: false, count: matrix.rowCount << columnBits)
            for (layout, shape) in zip(matrix.vectors, shapes) {
                let size = layout.isBlock ? shape.paddedCount : layout.rowCount << columnBits
                let start = layout.firstRow << columnBits + layout.firstColumn
                #expect(!layout.isBlock || start % size == 0)
                for i in start..<start + size {
                    #expect(!taken[i])
                    taken[i] = true
                }
            }
            // At most the last row is not full of blocks.
            #expect(
                matrix.sharedRows.dropLast().allSatisfy { row in
                    row.reduce(0) { $0 + shapes[$1].paddedCount } == 1 << columnBits
                })
        }
    }

    @Test func evaluator() {
        var random = CommitmentTestGenerator(seed: 2)
        for dimensions in Self.shapes + [[], [1], [40, 50], [3, 1000]] {
            let tensor = random.tensor(dimensions, -100...100)
            var evaluator = TensorEvaluator<GoldilocksField>(tensor)
            for _ in 0..<2 {
                let point: [GoldilocksExtension] = random.point(tensor.shape.variableCount)
                #expect(evaluator.evaluate(at: point) == extensionByDefinition(tensor, at: point))
            }
        }
    }

    /// The least number of queries, against the binomials themselves.
    @Test func queryCounts() {
        for (length, wrong) in [(10, 1), (10, 3), (40, 11), (64, 17), (5, 5)] {
            for bits in [1, 3, 7, 12] {
                let queries = QueryCount(length: length, wrong: wrong, bits: bits)
                func miss(_ count: Int) -> Double {
                    (0..<count).reduce(1.0) { $0 * Double(length - wrong - $1) / Double(length - $1) }
                }
                #expect(miss(queries.count) < exp2(-Double(bits)))
                #expect(miss(queries.count - 1) >= exp2(-Double(bits)) * (1 - 1e-8))
                #expect(
                    miss(queries.count) == 0 ? queries.bits == .infinity : exp2(-queries.bits) >= miss(queries.count))
            }
        }
        // Far below the range of Double.
        let many = QueryCount(length: 1 << 20, wrong: 1 << 18, bits: 5000)
        #expect(many.bits >= 5000 && many.bits < 5001)
    }

    private func exp2(_ x: Double) -> Double { x < 0 ? 1 / exp2(-x) : x < 1 ? power(x) : 2 * exp2(x - 1) }
    /// 2^x for 0 <= x < 1 by its series.
    private func power(_ x: Double) -> Double {
        var (term, sum) = (1.0, 1.0)
        for n in 1...30 {
            term *= x * 0.693_147_180_559_945_3 / Double(n)
            sum += term
        }
        return sum
    }

    @Test func budgetsAdd() {
        let one = SoundnessBudget([.init(name: "a", bits: 100, theorem: ""), .init(name: "b", bits: 100, theorem: "")])
        #expect(one.totalBits == 99 && one.wholeBits == 99)
        #expect((one + one).totalBits == 98)
        #expect((one + SoundnessBudget()).totalBits == 99)
        #expect(SoundnessBudget().totalBits == .infinity && SoundnessBudget().wholeBits == 999)
        #expect(SoundnessBudget([.init(name: "a", bits: .infinity, theorem: "")]).totalBits == .infinity)
        #expect((one + SoundnessBudget([.init(name: "c", bits: .infinity, theorem: "")])).totalBits == 99)
        #expect(one.description.contains("total: 99 bits"))
    }
}
