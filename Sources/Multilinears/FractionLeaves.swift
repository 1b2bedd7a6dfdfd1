import Fields
import Tensors

/// The fractions of one segment of a fractional sum.
public enum FractionLeaves<F: ProofField> {
    public typealias E = F.Challenge

    /// Any: numerators, and denominators minus one, in the order of the segment's entries.
    case fractions(AlignedBuffer<E>, AlignedBuffer<E>)
    /// `1 / denominator`: what a lookup contributes.
    case reciprocals(LookupDenominators<F>)
    /// `-m / denominator` for integers m: what a table contributes.
    case multiples(IntegerTensor, LookupDenominators<F>)

    var isReciprocal: Bool { if case .reciprocals = self { true } else { false } }
}

/// `constant - argument - factor * value`, for integers argument and value that stay as they are stored.
public struct LookupDenominators<F: ProofField> {
    public typealias E = F.Challenge
    let constant: E
    let argument: IntegerTensor
    let factor: E
    let value: IntegerTensor?

    public init(constant: E, argument: IntegerTensor, factor: E, value: IntegerTensor?) {
        self.constant = constant
        self.argument = argument
        self.factor = factor
        self.value = value
    }

    var count: Int { argument.shape.count }

    /// Writes the denominators of `range` plus `shift`. `block` holds `constant + shift`, at least `range.count` times.
    func write(_ range: Range<Int>, block: UnsafePointer<E>, into output: UnsafeMutablePointer<E>) {
        output.update(from: block, count: range.count)
        var subtract = Subtract(range: range, factor: -E.one, output: output)
        argument.storage.visit(&subtract)
        if let value {
            subtract = Subtract(range: range, factor: -factor, output: output)
            value.storage.visit(&subtract)
        }
    }

    /// The same for the even and the odd entries of `range`, which has an even number of them, apart.
    func writeHalves(
        _ range: Range<Int>, block: UnsafePointer<E>, even: UnsafeMutablePointer<E>, odd: UnsafeMutablePointer<E>
    ) {
        odd.update(from: block, count: range.count / 2)
        even.update(from: block, count: range.count / 2)
        var subtract = SubtractHalves(range: range, factor: -E.one, even: even, odd: odd)
        argument.storage.visit(&subtract)
        if let value {
            subtract = SubtractHalves(range: range, factor: -factor, even: even, odd: odd)
            value.storage.visit(&subtract)
        }
    }

    /// The same with denominators plus `shift`.
    func writeHalves(
        _ range: Range<Int>, shift: E, even: UnsafeMutablePointer<E>, odd: UnsafeMutablePointer<E>
    ) {
        even.fill(constant + shift, count: range.count / 2)
        writeHalves(range, block: even, even: even, odd: odd)
    }

    private struct Subtract: IntegerVisitor {
        let range: Range<Int>
        let factor: E
        let output: UnsafeMutablePointer<E>

        mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
            F.addScaled(UnsafeBufferPointer(rebasing: elements[range]), by: factor, to: output)
        }
    }

    private struct SubtractHalves: IntegerVisitor {
        let range: Range<Int>
        let factor: E
        let even: UnsafeMutablePointer<E>
        let odd: UnsafeMutablePointer<E>

        mutating func visit<T: SmallInteger>(_ elements: UnsafeBufferPointer<T>) {
            let pairs = range.count / 2
            withUnsafeTemporaryAllocation(of: T.self, capacity: 2 * max(pairs, 1)) { halves in
                let (low, high) = (halves.baseAddress!, halves.baseAddress! + pairs)
                Halves.split(elements.baseAddress! + range.lowerBound, pairs: pairs, even: low, odd: high)
                F.addScaled(UnsafeBufferPointer(start: low, count: pairs), by: factor, to: even)
                F.addScaled(UnsafeBufferPointer(start: high, count: pairs), by: factor, to: odd)
            }
        }
    }
}

/// Entries 2i and 2i + 1 apart.
enum Halves {
    @inline(__always)
    static func split<T: SmallInteger>(
        _ input: UnsafePointer<T>, pairs: Int, even: UnsafeMutablePointer<T>, odd: UnsafeMutablePointer<T>
    ) {
        for i in 0..<pairs {
            even[i] = input[2 * i]
            odd[i] = input[2 * i + 1]
        }
    }
}
