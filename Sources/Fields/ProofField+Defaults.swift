import Tensors

/// The portable form of every bulk operation: short loops over scalar arithmetic, the oracle for every kernel.
extension ProofField {
    @inlinable
    public static func embed<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<Base>
    ) {
        for i in 0..<input.count { output[i] = Base(Int64(input[i])) }
    }

    @inlinable
    public static func embed<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, into output: UnsafeMutablePointer<Challenge>
    ) {
        for i in 0..<input.count { output[i] = Challenge(Base(Int64(input[i]))) }
    }

    @inlinable
    public static func add(
        _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, into output: UnsafeMutablePointer<Challenge>,
        count: Int
    ) {
        for i in 0..<count { output[i] = a[i] + b[i] }
    }

    @inlinable
    public static func multiply(
        _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, into output: UnsafeMutablePointer<Challenge>,
        count: Int
    ) {
        for i in 0..<count { output[i] = a[i] * b[i] }
    }

    @inlinable
    public static func addScaled(
        _ a: UnsafePointer<Challenge>, by factor: Challenge, to output: UnsafeMutablePointer<Challenge>, count: Int
    ) {
        for i in 0..<count { output[i] += factor * a[i] }
    }

    @inlinable
    public static func scale(
        _ a: UnsafePointer<Challenge>, by factor: Challenge, into output: UnsafeMutablePointer<Challenge>, count: Int
    ) {
        for i in 0..<count { output[i] = factor * a[i] }
    }

    @inlinable
    public static func addScaled<T: SmallInteger>(
        _ a: UnsafeBufferPointer<T>, by factor: Challenge, to output: UnsafeMutablePointer<Challenge>
    ) {
        for i in 0..<a.count { output[i] += factor.scaled(by: Base(Int64(a[i]))) }
    }

    @inlinable
    public static func innerProduct(
        _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, count: Int
    ) -> Challenge {
        var sum = Challenge.zero
        for i in 0..<count { sum += a[i] * b[i] }
        return sum
    }

    @inlinable
    public static func innerProduct<T: SmallInteger>(
        _ a: UnsafeBufferPointer<T>, _ b: UnsafePointer<Challenge>
    ) -> Challenge {
        var sum = Challenge.zero
        for i in 0..<a.count { sum += b[i].scaled(by: Base(Int64(a[i]))) }
        return sum
    }

    @inlinable
    public static func innerProduct(
        base a: UnsafePointer<Base>, _ b: UnsafePointer<Challenge>, count: Int
    ) -> Challenge {
        var sum = Challenge.zero
        for i in 0..<count { sum += b[i].scaled(by: a[i]) }
        return sum
    }

    /// Montgomery's trick: one inversion and three multiplications an element. Of many, running products of 32 at a time, so
    /// that all but the last row is for vectors.
    @inlinable
    public static func invert(_ a: UnsafeMutablePointer<Challenge>, count: Int) {
        let lanes = 32
        let rows = count / lanes
        if rows < 2 || (0..<count).contains(where: { a[$0].isZero }) { return invertOneByOne(a, count: count) }
        let products = AlignedBuffer<Challenge>(uninitialized: rows * lanes)
        products.pointer.update(from: a, count: lanes)
        for row in Swift.stride(from: lanes, to: rows * lanes, by: lanes) {
            multiply(products.pointer + row - lanes, a + row, into: products.pointer + row, count: lanes)
        }
        // The inverse of the product up to the row, and that of the row.
        let running = AlignedBuffer<Challenge>(uninitialized: lanes)
        let inverse = AlignedBuffer<Challenge>(uninitialized: lanes)
        running.pointer.update(from: products.pointer + (rows - 1) * lanes, count: lanes)
        invertOneByOne(running.pointer, count: lanes)
        for row in Swift.stride(from: (rows - 1) * lanes, to: 0, by: -lanes) {
            multiply(running.pointer, products.pointer + row - lanes, into: inverse.pointer, count: lanes)
            multiply(running.pointer, a + row, into: running.pointer, count: lanes)
            (a + row).update(from: inverse.pointer, count: lanes)
        }
        a.update(from: running.pointer, count: lanes)
        invertOneByOne(a + rows * lanes, count: count - rows * lanes)
        withExtendedLifetime((products, running, inverse)) {}
    }

    @inlinable
    static func invertOneByOne(_ a: UnsafeMutablePointer<Challenge>, count: Int) {
        guard count > 0 else { return }
        var prefix: [Challenge] = []
        prefix.reserveCapacity(count)
        var product = Challenge.one
        for i in 0..<count {
            prefix.append(product)
            if !a[i].isZero { product *= a[i] }
        }
        var running = product.inverse()!
        for i in Swift.stride(from: count - 1, through: 0, by: -1) where !a[i].isZero {
            let inverse = running * prefix[i]
            running *= a[i]
            a[i] = inverse
        }
    }

    @inlinable
    public static func expandEq(
        _ point: [Challenge], scale: Challenge, into table: UnsafeMutablePointer<Challenge>
    ) {
        table[0] = scale
        var size = 1
        for r in point {
            for i in 0..<size {
                let high = table[i] * r
                table[size + i] = high
                table[i] -= high
            }
            size *= 2
        }
    }

    @inlinable
    public static func fold(
        _ input: UnsafePointer<Challenge>, at r: Challenge, into output: UnsafeMutablePointer<Challenge>, pairs: Int
    ) {
        for i in 0..<pairs {
            let low = input[2 * i]
            output[i] = low + r * (input[2 * i + 1] - low)
        }
    }

    @inlinable
    public static func fold<T: SmallInteger>(
        _ input: UnsafeBufferPointer<T>, at r: Challenge, into output: UnsafeMutablePointer<Challenge>
    ) {
        for i in 0..<input.count / 2 {
            let low = Base(Int64(input[2 * i]))
            output[i] = Challenge(low) + r.scaled(by: Base(Int64(input[2 * i + 1])) - low)
        }
    }

    @inlinable
    public static func foldPairs(
        _ input: UnsafePointer<Challenge>, at r: Challenge, into output: UnsafeMutablePointer<Challenge>, quads: Int
    ) {
        for i in 0..<quads {
            let even = input[4 * i]
            let odd = input[4 * i + 1]
            output[2 * i] = even + r * (input[4 * i + 2] - even)
            output[2 * i + 1] = odd + r * (input[4 * i + 3] - odd)
        }
    }

    @inlinable
    public static func combineRows<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<Challenge>,
        addTo output: UnsafeMutablePointer<Challenge>
    ) {
        Parallel.forEachChunk(columns, grain: 64) { range in
            for r in 0..<rows {
                let row = UnsafeBufferPointer(start: matrix + r * columns + range.lowerBound, count: range.count)
                addScaled(row, by: weights[r], to: output + range.lowerBound)
            }
        }
    }

    @inlinable
    public static func combineColumns<T: SmallInteger>(
        _ matrix: UnsafePointer<T>, rows: Int, columns: Int, weights: UnsafePointer<Challenge>,
        into output: UnsafeMutablePointer<Challenge>
    ) {
        Parallel.forEachChunk(rows, grain: max(1, 4096 / max(1, columns))) { range in
            for r in range {
                output[r] = innerProduct(UnsafeBufferPointer(start: matrix + r * columns, count: columns), weights)
            }
        }
    }

    @inlinable
    public static func roundProduct2(
        _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, pairs: Int
    ) -> (atZero: Challenge, leading: Challenge) {
        var atZero = Challenge.zero
        var leading = Challenge.zero
        for i in 0..<pairs {
            atZero += a[2 * i] * b[2 * i]
            leading += (a[2 * i + 1] - a[2 * i]) * (b[2 * i + 1] - b[2 * i])
        }
        return (atZero, leading)
    }

    @inlinable
    public static func roundProduct3(
        _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, _ c: UnsafePointer<Challenge>, pairs: Int
    ) -> (atZero: Challenge, atMinusOne: Challenge, leading: Challenge) {
        var atZero = Challenge.zero
        var atMinusOne = Challenge.zero
        var leading = Challenge.zero
        for i in 0..<pairs {
            let (a0, b0, c0) = (a[2 * i], b[2 * i], c[2 * i])
            let (da, db, dc) = (a[2 * i + 1] - a0, b[2 * i + 1] - b0, c[2 * i + 1] - c0)
            atZero += a0 * b0 * c0
            atMinusOne += (a0 - da) * (b0 - db) * (c0 - dc)
            leading += da * db * dc
        }
        return (atZero, atMinusOne, leading)
    }

    @inlinable
    public static func roundWeightedProduct2(
        weights: UnsafePointer<Challenge>, _ a: UnsafePointer<Challenge>, _ b: UnsafePointer<Challenge>, pairs: Int
    ) -> (atZero: Challenge, leading: Challenge) {
        var atZero = Challenge.zero
        var leading = Challenge.zero
        for i in 0..<pairs {
            let w = weights[i]
            atZero += w * (a[2 * i] * b[2 * i])
            leading += w * ((a[2 * i + 1] - a[2 * i]) * (b[2 * i + 1] - b[2 * i]))
        }
        return (atZero, leading)
    }

    @inlinable
    public static func roundFractions(
        weights: UnsafePointer<Challenge>, p: UnsafePointer<Challenge>, q: UnsafePointer<Challenge>, lambda: Challenge,
        quads: Int
    ) -> (atZero: Challenge, leading: Challenge) {
        var atZero = Challenge.zero
        var leading = Challenge.zero
        for i in 0..<quads {
            let (p0, p1, q0, q1) = (p[4 * i], p[4 * i + 1], q[4 * i], q[4 * i + 1])
            let (dp0, dp1) = (p[4 * i + 2] - p0, p[4 * i + 3] - p1)
            let (dq0, dq1) = (q[4 * i + 2] - q0, q[4 * i + 3] - q1)
            // p0 (1 + q1) + p1 (1 + q0) + lambda (q0 + q1 + q0 q1), with the products by q1 collected.
            let zero = p0 + p1 + p1 * q0 + lambda * (q0 + q1) + q1 * (p0 + lambda * q0)
            let lead = dp1 * dq0 + dq1 * (dp0 + lambda * dq0)
            atZero += weights[i] * zero
            leading += weights[i] * lead
        }
        return (atZero, leading)
    }

    @inlinable
    public static func addFractions(
        p: UnsafePointer<Challenge>, q: UnsafePointer<Challenge>, pOut: UnsafeMutablePointer<Challenge>,
        qOut: UnsafeMutablePointer<Challenge>, pairs: Int
    ) {
        for i in 0..<pairs {
            let (p0, p1, q0, q1) = (p[2 * i], p[2 * i + 1], q[2 * i], q[2 * i + 1])
            pOut[i] = p0 + p1 + p0 * q1 + p1 * q0
            qOut[i] = q0 + q1 + q0 * q1
        }
    }

    @inlinable
    public static func write(_ elements: UnsafePointer<Base>, count: Int, to bytes: UnsafeMutableRawPointer) {
        for i in 0..<count { elements[i].write(to: bytes + i * Base.byteCount) }
    }

    @inlinable
    public static func write(
        interleaved elements: UnsafePointer<Base>, stride elementStride: Int, width: Int, count: Int,
        to bytes: UnsafeMutableRawPointer, stride: Int
    ) {
        for i in 0..<count { write(elements + i * elementStride, count: width, to: bytes + i * stride) }
    }

    @inlinable
    public static func interleave(
        _ input: UnsafePointer<Base>, rows: Int, columns: Int, into output: UnsafeMutablePointer<Base>, stride: Int
    ) {
        // In tiles that stay in the nearest cache.
        for start in Swift.stride(from: 0, to: columns, by: 16) {
            for r in 0..<rows {
                let source = input + r * columns
                for c in start..<min(start + 16, columns) { output[c * stride + r] = source[c] }
            }
        }
    }

    @inlinable
    public static func addScaled(
        base a: UnsafePointer<Base>, by factor: Base, to output: UnsafeMutablePointer<Base>, count: Int
    ) {
        for i in 0..<count { output[i] += factor * a[i] }
    }
}

extension ProofField {
    /// All entries.
    @inlinable
    public static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<Base>, stride: Int, width: Int, messageBits: Int, logInverseRate: Int,
        only positions: [Int]
    ) {
        reedSolomonEncode(
            interleaved: values, stride: stride, width: width, messageBits: messageBits, logInverseRate: logInverseRate)
    }
}

/// A field whose multiplicative group has a large 2-power subgroup: Reed-Solomon by the ordinary radix-2 NTT.
public protocol TwoAdicProofField: ProofField {
    /// A primitive 2^bits-th root of unity, `bits <= maximumCodeBits`.
    static func rootOfUnity(bits: Int) -> Base
}

extension TwoAdicProofField {
    /// The message is read as coefficients and evaluated on the subgroup of order 2^n; positions come in bit-reversed order,
    /// which a code does not mind. Decimation in frequency.
    @inlinable
    public static func reedSolomonEncode(
        interleaved values: UnsafeMutablePointer<Base>, stride: Int, width: Int, messageBits: Int, logInverseRate: Int
    ) {
        let bits = messageBits + logInverseRate
        precondition(bits <= maximumCodeBits && width <= stride)
        let size = 1 << bits
        for i in (1 << messageBits)..<max(size, 1 << messageBits) {
            for j in 0..<width { values[i * stride + j] = .zero }
        }
        var half = size / 2
        var root = rootOfUnity(bits: bits)
        while half > 0 {
            let twiddles = root.powers(half)
            for start in Swift.stride(from: 0, to: size, by: 2 * half) {
                for k in 0..<half {
                    let low = values + (start + k) * stride
                    let high = low + half * stride
                    for j in 0..<width {
                        let (a, b) = (low[j], high[j])
                        low[j] = a + b
                        high[j] = (a - b) * twiddles[k]
                    }
                }
            }
            root = root.squared()
            half /= 2
        }
    }

    /// The point of pair j: the root of unity whose exponent is j with the bits mirrored at the binary point, halved.
    @inlinable
    public static func foldingFactor(codeBits: Int, level: Int, pair: Int) -> Base {
        var point = Base.one
        var rest = pair
        var bit = 0
        while rest > 0 {
            if rest & 1 == 1 { point *= rootOfUnity(bits: bit + 2) }
            rest >>= 1
            bit += 1
        }
        return point
    }

    /// One point of the subgroup and its squares.
    @inlinable
    public static func foldingFactors(codeBits: Int, level: Int, position: Int, count: Int) -> [Base] {
        let factor = foldingFactor(codeBits: codeBits, level: level, pair: position >> 1)
        var point = position & 1 == 0 ? factor : -factor
        return (0..<count).map { _ in
            defer { point = point.squared() }
            return point
        }
    }

    @inlinable
    public static func foldingFactors(codeBits: Int, level: Int, into factors: UnsafeMutablePointer<Base>) {
        factors[0] = .one
        for bit in 0..<max(0, codeBits - 1 - level) {
            let root = rootOfUnity(bits: bit + 2)
            for j in 0..<1 << bit { factors[j + (1 << bit)] = factors[j] * root }
        }
    }
}
