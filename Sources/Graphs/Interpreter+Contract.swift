import CSIMD
import Tensors

/// Copies a tensor with its dimensions in another order, changing the element type on the way.
final class Permute: ElementLoop, Sendable {
    /// A dimension of the destination, and the steps along it.
    private struct Axis {
        var size: Int
        var from: Int
        var to: Int
    }
    /// The destination's dimensions but for those below, outermost first.
    private let outer: [Axis]
    /// The two inner loops: `columns` is the destination's last dimension, `rows` the one that is contiguous in the source if that
    /// is another, else the next outer one. Of size 1 where there is none.
    private let rows: Axis
    private let columns: Axis
    /// Pairs of the two innermost loops.
    private let matrices: Int

    /// Of the destination, outermost dimension first: sizes, and the source's step along each.
    init(dimensions: [Int], steps: [Int]) {
        var axes: [Axis] = []
        for (size, step) in zip(dimensions, steps) where size > 1 {
            if let last = axes.last, last.from == step * size {
                axes[axes.count - 1].size *= size
                axes[axes.count - 1].from = step
            } else {
                axes.append(Axis(size: size, from: step, to: 1))
            }
        }
        for i in axes.indices.dropLast().reversed() { axes[i].to = axes[i + 1].to * axes[i + 1].size }
        columns = axes.popLast() ?? Axis(size: 1, from: 1, to: 1)
        // Contiguous in the source, so that a square of entries is read and written by whole lines; else any.
        let fast = columns.from == 1 ? nil : axes.lastIndex { $0.from == 1 }
        rows = axes.isEmpty ? Axis(size: 1, from: 0, to: 0) : axes.remove(at: fast ?? axes.count - 1)
        outer = axes
        matrices = axes.reduce(1) { $0 * $1.size }
    }

    /// So many entries in their order.
    convenience init(copying count: Int) { self.init(dimensions: [count], steps: [1]) }

    /// Entries.
    var count: Int { matrices * rows.size * columns.size }
    /// Changes nothing but the type.
    var isCopy: Bool { matrices == 1 && rows.size == 1 && columns.from == 1 }

    func run<S: SmallInteger, D: SmallInteger>(_ source: UnsafePointer<S>, _ destination: UnsafeMutablePointer<D>) {
        if isCopy {
            return Parallel.forEachChunk(columns.size, grain: grainOfElements) { range in
                for i in range { destination[i] = D(truncatingIfNeeded: source[i]) }
            }
        }
        let tile = 32
        let (rows, columns) = (rows, columns)
        let height = min(rows.size, columns.from == 1 ? 8 : tile)
        let bands = (rows.size + height - 1) / height
        Parallel.forEachChunk(matrices * bands, grain: max(1, grainOfElements / (height * columns.size))) { range in
            for unit in range {
                var (rest, band) = unit.quotientAndRemainder(dividingBy: bands)
                let top = band * height
                let bottom = min(rows.size, top + height)
                var from = source
                var to = destination
                var axis = outer.count - 1
                while axis >= 0 {
                    let (quotient, index) = rest.quotientAndRemainder(dividingBy: outer[axis].size)
                    from += index * outer[axis].from
                    to += index * outer[axis].to
                    rest = quotient
                    axis -= 1
                }
                if columns.from == 1 {
                    for i in top..<bottom {
                        let (x, y) = (from + i * rows.from, to + i * rows.to)
                        for j in 0..<columns.size { y[j] = D(truncatingIfNeeded: x[j]) }
                    }
                    continue
                }
                var left = 0
                while left < columns.size {
                    let right = min(columns.size, left + tile)
                    for i in top..<bottom {
                        let (x, y) = (from + i * rows.from, to + i * rows.to)
                        for j in left..<right { y[j] = D(truncatingIfNeeded: x[j * columns.from]) }
                    }
                    left = right
                }
            }
        }
    }
}

extension Einsum {
    /// From one index of each dimension to the next, in a tensor of these dimensions.
    fileprivate func steps(_ names: [Character]) -> [Character: Int] {
        let labels = batch + summed + freeA + freeB
        var result: [Character: Int] = [:]
        var step = 1
        for name in names.reversed() {
            result[name] = step
            step *= labels.first { $0.name == name }!.size
        }
        return result
    }
}

extension [Einsum.Label] {
    /// Of a tensor of these dimensions.
    fileprivate var entries: Int { reduce(1) { $0 * $1.size } }
}

/// An Einstein summation of integer tensors.
///
/// Where many terms are summed the operands are multiplied as matrices, where they lie if there is a kernel for that; else they are
/// brought to the form `[batch][row][k]`, which costs one pass over small integers at most. Where few or none are, the output is
/// walked row by row with vector loops.
struct Contraction {
    /// The operand in an order of dimensions, as elements of one width: `copy` keeps it, if it is neither `operand` itself nor
    /// `known`.
    private static func arranged(
        _ operand: IntegerPointer, _ permute: Permute, _ known: IntegerBuffer?, width: Int, _ copy: inout IntegerBuffer?
    ) -> IntegerPointer {
        if let known { return known.pointer }
        if permute.isCopy && operand.byteWidth == width { return operand }
        let result = IntegerBuffer(uninitialized: permute.count, byteWidth: width)
        copy = result
        permute.dispatch(operand, result.pointer)
        return result.pointer
    }

    private enum Form {
        /// Few summed terms.
        case rows(RowProducts)
        /// Many: as matrices, where they lie.
        case inPlace(ProductsInPlace)
        /// As matrices; `isSwapped` if a is the right one. `restore` brings the product into the output's order.
        case matrices(MatrixProducts, isSwapped: Bool, restore: Permute)
    }

    private let a: Permute
    private let b: Permute
    private let count: Int
    /// Of the operands as they are multiplied.
    private let byteWidth: Int
    private let form: Form
    /// The right factor of the product of matrices, if that is a weight.
    private let packed: PackedMatrix?
    /// Operands that do not depend on the input, as they are multiplied, where they are not as they lie.
    private let arranged: (a: IntegerBuffer?, b: IntegerBuffer?)

    /// `byteWidths`: of the entries of a, b and the output. The operands (0: a, 1: b) that do not depend on the input are asked for as
    /// they are read: `packed`, the right factor of a product, if it is the operand as it is; `widened`, in its order but as
    /// integers of another width.
    init(
        _ einsum: Einsum, byteWidths: (a: Int, b: Int, out: Int),
        packed: (_ operand: Int, _ product: MatrixProducts) -> PackedMatrix?,
        widened: (_ operand: Int, _ byteWidth: Int) -> IntegerBuffer?
    ) {
        var sizes: [Character: Int] = [:]
        for label in einsum.batch + einsum.summed + einsum.freeA + einsum.freeB { sizes[label.name] = label.size }
        func permute(_ from: [Character], _ to: [Character]) -> Permute {
            let steps = einsum.steps(from)
            return Permute(dimensions: to.map { sizes[$0]! }, steps: to.map { steps[$0]! })
        }

        func arranged(_ a: Permute, _ b: Permute, _ width: Int) -> (a: IntegerBuffer?, b: IntegerBuffer?) {
            (
                a: a.isCopy && byteWidths.a != width ? widened(0, width) : nil,
                b: b.isCopy && byteWidths.b != width ? widened(1, width) : nil
            )
        }

        count = einsum.outDimensions.reduce(1, *)
        if einsum.summed.entries <= 8 {
            let (aSteps, bSteps) = (einsum.steps(einsum.a), einsum.steps(einsum.b))
            a = permute(einsum.a, einsum.a)
            b = permute(einsum.b, einsum.b)
            byteWidth = min(byteWidths.out, max(byteWidths.a, byteWidths.b))
            self.arranged = arranged(a, b, byteWidth)
            self.packed = nil
            form = .rows(
                RowProducts(
                    dimensions: einsum.outDimensions, aSteps: einsum.out.map { aSteps[$0] ?? 0 },
                    bSteps: einsum.out.map { bSteps[$0] ?? 0 }, summed: einsum.summed.map(\.size),
                    aSummedSteps: einsum.summed.map { aSteps[$0.name]! },
                    bSummedSteps: einsum.summed.map { bSteps[$0.name]! }))
            return
        }
        let batch = einsum.batch.map(\.name)
        let rows = einsum.freeA.map(\.name)
        let columns = einsum.freeB.map(\.name)
        let summed = einsum.summed.map(\.name)
        a = permute(einsum.a, batch + rows + summed)
        b = permute(einsum.b, batch + columns + summed)
        // [batch][row][column] or [batch][column][row], whichever is the output's order, if one is.
        let isSwapped = einsum.out == batch + columns + rows && einsum.out != batch + rows + columns
        let order = isSwapped ? batch + columns + rows : batch + rows + columns
        let product = MatrixProducts(
            batch: einsum.batch.entries, m: (isSwapped ? einsum.freeB : einsum.freeA).entries,
            n: (isSwapped ? einsum.freeA : einsum.freeB).entries, k: einsum.summed.entries)
        let restore = permute(order, einsum.out)
        // Residues modulo 2^(8 accumulator) are all that the sums need.
        byteWidth = min(max(4, byteWidths.out), max(byteWidths.a, byteWidths.b))
        let isArranged = a.isCopy && b.isCopy && restore.isCopy && byteWidths.a == byteWidths.b
        if !isArranged, let products = ProductsInPlace(einsum, byteWidths) {
            self.packed = nil
            self.arranged = (nil, nil)
            form = .inPlace(products)
            return
        }
        self.arranged = arranged(a, b, byteWidth)
        form = .matrices(product, isSwapped: isSwapped, restore: restore)
        let isReadAsIs = product.batch == 1 && (isSwapped ? a : b).isCopy
        self.packed = isReadAsIs ? packed(isSwapped ? 0 : 1, product) : nil
    }

    func run(_ a: IntegerPointer, _ b: IntegerPointer, _ out: IntegerPointer) {
        var copies: (a: IntegerBuffer?, b: IntegerBuffer?, out: IntegerBuffer?)
        defer { withExtendedLifetime(copies) {} }
        switch form {
        case .rows(let loop):
            loop.run(
                Contraction.arranged(a, self.a, arranged.a, width: byteWidth, &copies.a),
                Contraction.arranged(b, self.b, arranged.b, width: byteWidth, &copies.b), out)
        case .inPlace(let products): products.run(a, b, out)
        case .matrices(let product, let isSwapped, let restore):
            // The kernel for 16-bit operands sums in 64 bits.
            let accumulator = byteWidth == 2 ? 8 : max(4, out.byteWidth)
            let left = Contraction.arranged(a, self.a, arranged.a, width: byteWidth, &copies.a)
            let right = Contraction.arranged(b, self.b, arranged.b, width: byteWidth, &copies.b)
            let isDirect = restore.isCopy && out.byteWidth == accumulator
            var natural = out
            if !isDirect {
                let buffer = IntegerBuffer(uninitialized: count, byteWidth: accumulator)
                copies.out = buffer
                natural = buffer.pointer
            }
            product.run(isSwapped ? right : left, isSwapped ? left : right, natural, packed)
            if isDirect { return }
            restore.dispatch(natural, out)
        }
    }
}

/// A matrix of 8-bit integers as the kernel of this processor reads the right factor of a product.
struct PackedMatrix: Sendable {
    fileprivate let memory: AlignedBuffer<UInt8>

    /// The factor of `n` rows and `k` columns; nil where the kernel reads it as it is.
    init?(_ matrix: UnsafePointer<Int8>, for product: MatrixProducts) {
        let bytes = csimd_gemm_s8_packed_bytes(product.m, product.n, product.k)
        if bytes == 0 { return nil }
        memory = AlignedBuffer(uninitialized: bytes)
        csimd_gemm_s8_pack(matrix, product.n, product.k, memory.pointer)
    }
}

/// Products of matrices: `c[i][m][n] = sum over k of a[i][m][k] * b[i][n][k]` for each `i` in the batch.
struct MatrixProducts {
    let batch: Int
    let m: Int
    let n: Int
    let k: Int

    /// `a` and `b` are of one type, which is no wider than `c`'s, and that is 4 or 8 bytes. `packed` is `b`, if the batch is one.
    func run(_ a: IntegerPointer, _ b: IntegerPointer, _ c: IntegerPointer, _ packed: PackedMatrix?) {
        switch (a, b, c) {
        case (.int8(let a), .int8(let b), .int32(let c)):
            kernel(a, b, c) { csimd_gemm_s8_packed($0, $1, packed?.memory.pointer, $2, $3, $4, $5) }
        case (.int16(let a), .int16(let b), .int64(let c)): kernel(a, b, c, csimd_gemm_s16)
        case (.int32(let a), .int32(let b), .int32(let c)): run(a, b, c)
        case (.int8(let a), .int8(let b), .int64(let c)): run(a, b, c)
        case (.int32(let a), .int32(let b), .int64(let c)): run(a, b, c)
        case (.int64(let a), .int64(let b), .int64(let c)): run(a, b, c)
        default: fatalError("no matrix product of these types")
        }
    }

    private func kernel<T: SmallInteger, A: SmallInteger>(
        _ a: UnsafeMutablePointer<T>, _ b: UnsafeMutablePointer<T>, _ c: UnsafeMutablePointer<A>,
        _ multiply: (UnsafePointer<T>?, UnsafePointer<T>?, UnsafeMutablePointer<A>?, Int, Int, Int) -> Void
    ) {
        spreadProducts(batch, of: m * n * k) { item in
            multiply(a + item * m * k, b + item * n * k, c + item * m * n, m, n, k)
        }
    }

    private func run<T: SmallInteger, A: SmallInteger>(
        _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafeMutablePointer<A>
    ) {
        // Blocks of b stay in the second-level cache while rows of a pass by.
        let columns = min(n, max(16, (1 << 17) / (k * MemoryLayout<T>.size)))
        let across = (n + columns - 1) / columns
        let rows = min(m, 32)
        let down = (m + rows - 1) / rows
        let work = max(1, rows * columns * k)
        Parallel.forEachChunk(batch * across * down, grain: max(1, (1 << 16) / work)) { range in
            for unit in range {
                let (rest, row) = unit.quotientAndRemainder(dividingBy: down)
                let (item, column) = rest.quotientAndRemainder(dividingBy: across)
                block(
                    a + item * m * k, b + item * n * k, c + item * m * n,
                    row * rows..<min(m, (row + 1) * rows), column * columns..<min(n, (column + 1) * columns))
            }
        }
    }

    @inline(__always)
    private func block<T: SmallInteger, A: SmallInteger>(
        _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafeMutablePointer<A>, _ rows: Range<Int>,
        _ columns: Range<Int>
    ) {
        for i in rows {
            let x = a + i * k
            let out = c + i * n
            var j = columns.lowerBound
            while j + 4 <= columns.upperBound {
                let b0 = b + j * k
                let b1 = b0 + k
                let b2 = b1 + k
                let b3 = b2 + k
                var s0: A = 0
                var s1: A = 0
                var s2: A = 0
                var s3: A = 0
                for l in 0..<k {
                    let v = A(truncatingIfNeeded: x[l])
                    s0 &+= v &* A(truncatingIfNeeded: b0[l])
                    s1 &+= v &* A(truncatingIfNeeded: b1[l])
                    s2 &+= v &* A(truncatingIfNeeded: b2[l])
                    s3 &+= v &* A(truncatingIfNeeded: b3[l])
                }
                out[j] = s0
                out[j + 1] = s1
                out[j + 2] = s2
                out[j + 3] = s3
                j += 4
            }
            while j < columns.upperBound {
                let y = b + j * k
                var s: A = 0
                for l in 0..<k { s &+= A(truncatingIfNeeded: x[l]) &* A(truncatingIfNeeded: y[l]) }
                out[j] = s
                j += 1
            }
        }
    }
}

/// Products of matrices whose rows lie apart in the operands and the output, one product for each entry of the other dimensions: in
/// attention, a position's scores and mixed values of each head.
struct ProductsInPlace {
    private enum Kernel {
        /// 8-bit factors; the summed index is the last of both.
        case int8
        /// 16-bit by 8-bit factors; the summed index is the last of the left one, and that of the rows of the right one.
        case int16ByInt8
    }

    private let kernel: Kernel
    /// Where each product starts in a, b and the output.
    private let starts: [(a: Int, b: Int, out: Int)]
    private let m: Int
    private let n: Int
    private let k: Int
    /// From a row to the next one.
    private let aStep: Int
    private let bStep: Int
    private let outStep: Int

    /// Nil where there is no kernel for these types, or none that reads the operands as they lie.
    init?(_ einsum: Einsum, _ byteWidths: (a: Int, b: Int, out: Int)) {
        switch byteWidths {
        case (1, 1, 4): kernel = .int8
        case (2, 1, 4): kernel = .int16ByInt8
        default: return nil
        }
        let (a, b, out) = (einsum.steps(einsum.a), einsum.steps(einsum.b), einsum.steps(einsum.out))
        /// The step along dimensions that are one, or nil if they are not.
        func step(_ labels: [Einsum.Label], _ steps: [Character: Int]) -> Int? {
            let labels = labels.filter { $0.size > 1 }
            guard let last = labels.last.map({ steps[$0.name]! }) else { return 1 }
            let areOne = zip(labels, labels.dropFirst()).allSatisfy { steps[$0.name] == steps[$1.name]! * $1.size }
            return areOne ? last : nil
        }
        guard step(einsum.summed, a) == 1, step(einsum.freeB, out) == 1, let summedStep = step(einsum.summed, b),
            let columnStep = step(einsum.freeB, b), let row = einsum.freeA.max(by: { $0.size < $1.size })
        else { return nil }
        switch kernel {
        case .int8:
            guard summedStep == 1 else { return nil }
            bStep = columnStep
        case .int16ByInt8:
            guard columnStep == 1 else { return nil }
            bStep = summedStep
        }
        (m, n, k) = (row.size, einsum.freeB.entries, einsum.summed.entries)
        (aStep, outStep) = (a[row.name]!, out[row.name]!)
        starts = (einsum.batch + einsum.freeA).filter { $0 != row }.reduce([(0, 0, 0)]) { starts, label in
            starts.flatMap { start in
                (0..<label.size).map { i in
                    (
                        start.0 + i * (a[label.name] ?? 0), start.1 + i * (b[label.name] ?? 0),
                        start.2 + i * (out[label.name] ?? 0)
                    )
                }
            }
        }
    }

    func run(_ a: IntegerPointer, _ b: IntegerPointer, _ out: IntegerPointer) {
        switch (kernel, a, b, out) {
        case (.int8, .int8(let a), .int8(let b), .int32(let out)):
            forEachProduct { s in
                csimd_gemm_s8_strided(a + s.a, aStep, b + s.b, bStep, out + s.out, outStep, m, n, k)
            }
        case (.int16ByInt8, .int16(let a), .int8(let b), .int32(let out)):
            forEachProduct { s in
                csimd_gemm_s16_s8(a + s.a, aStep, b + s.b, bStep, out + s.out, outStep, m, n, k)
            }
        default: fatalError("types other than those the products were planned for")
        }
    }

    private func forEachProduct(_ body: ((a: Int, b: Int, out: Int)) -> Void) {
        spreadProducts(starts.count, of: m * n * k) { body(starts[$0]) }
    }
}

/// Small products are spread over the threads whole; a few large ones spread themselves. `size`: terms of a product.
private func spreadProducts(_ count: Int, of size: Int, _ body: (Int) -> Void) {
    if count < Parallel.threadCount {
        for item in 0..<count { body(item) }
    } else {
        Parallel.forEachChunk(count, grain: max(1, (1 << 16) / max(1, size))) { for item in $0 { body(item) } }
    }
}

/// Products, summed over few terms, walked in the order of the output.
final class RowProducts: Sendable {
    private let outer: [Int]
    private let aOuter: [Int]
    private let bOuter: [Int]
    private let width: Int
    private let aStep: Int
    private let bStep: Int
    /// Offsets of the summed terms.
    private let terms: [(a: Int, b: Int)]

    init(
        dimensions: [Int], aSteps: [Int], bSteps: [Int], summed: [Int], aSummedSteps: [Int], bSummedSteps: [Int]
    ) {
        var sizes: [Int] = []
        var a: [Int] = []
        var b: [Int] = []
        for (i, size) in dimensions.enumerated() where size > 1 {
            if let lastA = a.last, let lastB = b.last, lastA == aSteps[i] * size, lastB == bSteps[i] * size {
                sizes[sizes.count - 1] *= size
                a[a.count - 1] = aSteps[i]
                b[b.count - 1] = bSteps[i]
            } else {
                sizes.append(size)
                a.append(aSteps[i])
                b.append(bSteps[i])
            }
        }
        width = sizes.popLast() ?? 1
        aStep = a.popLast() ?? 1
        bStep = b.popLast() ?? 1
        outer = sizes
        aOuter = a
        bOuter = b
        var terms = [(a: 0, b: 0)]
        for (i, size) in summed.enumerated() {
            terms = terms.flatMap { term in
                (0..<size).map { (term.a + $0 * aSummedSteps[i], term.b + $0 * bSummedSteps[i]) }
            }
        }
        self.terms = terms
    }

    /// `a` and `b` are of one type, which is no wider than `c`'s.
    func run(_ a: IntegerPointer, _ b: IntegerPointer, _ c: IntegerPointer) {
        switch (a, b) {
        case (.int8(let a), .int8(let b)): run(a, b, c)
        case (.int16(let a), .int16(let b)): run(a, b, c)
        case (.int32(let a), .int32(let b)): run(a, b, c)
        case (.int64(let a), .int64(let b)): run(a, b, c)
        default: fatalError("no product of these types")
        }
    }

    private func run<T: SmallInteger>(_ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: IntegerPointer) {
        switch c {
        case .int8(let c): run(a, b, c)
        case .int16(let c): run(a, b, c)
        case .int32(let c): run(a, b, c)
        case .int64(let c): run(a, b, c)
        }
    }

    private func run<T: SmallInteger, A: SmallInteger>(
        _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: UnsafeMutablePointer<A>
    ) {
        let rows = outer.reduce(1, *)
        let pieces = (width + grainOfElements - 1) / grainOfElements
        let work = width * terms.count
        Parallel.forEachChunk(rows * pieces, grain: max(1, grainOfElements / work)) { range in
            for unit in range {
                let (row, piece) = unit.quotientAndRemainder(dividingBy: pieces)
                var x = a
                var y = b
                var rest = row
                var axis = outer.count - 1
                while axis >= 0 {
                    let (quotient, index) = rest.quotientAndRemainder(dividingBy: outer[axis])
                    x += index * aOuter[axis]
                    y += index * bOuter[axis]
                    rest = quotient
                    axis -= 1
                }
                let start = piece * grainOfElements
                let count = min(width - start, grainOfElements)
                let out = c + row * width + start
                x += start * aStep
                y += start * bStep
                for (i, term) in terms.enumerated() { vector(x + term.a, y + term.b, out, count, first: i == 0) }
            }
        }
    }

    @inline(__always)
    private func vector<T: SmallInteger, A: SmallInteger>(
        _ x: UnsafePointer<T>, _ y: UnsafePointer<T>, _ out: UnsafeMutablePointer<A>, _ count: Int, first: Bool
    ) {
        func product(_ p: T, _ q: T) -> A { A(truncatingIfNeeded: p) &* A(truncatingIfNeeded: q) }
        switch (aStep, bStep, first) {
        case (1, 1, true): for j in 0..<count { out[j] = product(x[j], y[j]) }
        case (1, 1, false): for j in 0..<count { out[j] &+= product(x[j], y[j]) }
        case (1, 0, true): for j in 0..<count { out[j] = product(x[j], y[0]) }
        case (1, 0, false): for j in 0..<count { out[j] &+= product(x[j], y[0]) }
        case (0, 1, true): for j in 0..<count { out[j] = product(x[0], y[j]) }
        case (0, 1, false): for j in 0..<count { out[j] &+= product(x[0], y[j]) }
        case (_, _, true): for j in 0..<count { out[j] = product(x[j * aStep], y[j * bStep]) }
        case (_, _, false): for j in 0..<count { out[j] &+= product(x[j * aStep], y[j * bStep]) }
        }
    }
}
