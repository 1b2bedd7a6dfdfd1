import Tensors

extension Graph {
    /// The canonical encoding: two graphs have the same bytes only if they are equal, name by name and value by value.
    ///
    /// Everything is written in one fixed order, lists and texts behind their length, choices behind their tag, integers as 64
    /// bits and table values and constants as 32 bits, least significant byte first. No encoding is the beginning of another, so
    /// it is injective; what a verifier believes about a model is bound by hashing it.
    public var canonicalBytes: [UInt8] {
        var writer = CanonicalWriter()
        writer.text("assay integer graph 1")
        writer.count(tables.count)
        for table in tables {
            writer.text(table.name)
            writer.integer(table.lowerBound)
            writer.values(table.values)
        }
        writer.count(nodes.count)
        for node in nodes { writer.node(node) }
        writer.count(input)
        writer.count(output)
        return writer.bytes
    }
}

private struct CanonicalWriter {
    var bytes: [UInt8] = []

    mutating func integer(_ value: Int64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func count(_ value: Int) { integer(Int64(value)) }

    mutating func text(_ text: String) {
        let utf8 = Array(text.utf8)
        count(utf8.count)
        bytes.append(contentsOf: utf8)
    }

    mutating func values(_ values: [Int32]) {
        count(values.count)
        #if _endian(little)
            values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        #else
            for value in values { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        #endif
    }

    mutating func list(_ integers: [Int]) {
        count(integers.count)
        for i in integers { count(i) }
    }

    mutating func node(_ node: Node) {
        text(node.name)
        list(node.shape.dimensions)
        integer(node.range.lowerBound)
        integer(node.range.upperBound)
        switch node.operation {
        case .tokens:
            bytes.append(0)
        case .embed(let table, let tokens):
            bytes.append(1)
            count(table)
            count(tokens)
        case .weight(let name):
            bytes.append(2)
            text(name)
        case .constant(let entries):
            bytes.append(3)
            values(entries)
        case .causalMask:
            bytes.append(4)
        case .contract(let a, let b, let aLabels, let bLabels, let outLabels):
            bytes.append(5)
            count(a)
            count(b)
            text(aLabels)
            text(bLabels)
            text(outLabels)
        case .combine(let terms, let constant):
            bytes.append(6)
            count(terms.count)
            for term in terms {
                count(term.node)
                integer(term.coefficient)
                list(term.axes)
            }
            integer(constant)
        case .requantise(let x, let shift, let table):
            bytes.append(7)
            count(x)
            count(shift)
            count(table.map { $0 + 1 } ?? 0)
        case .divide(let numerator, let denominator, let axes):
            bytes.append(8)
            count(numerator)
            count(denominator)
            list(axes)
        case .squareRoot(let x):
            bytes.append(9)
            count(x)
        case .rowMaximum(let x):
            bytes.append(10)
            count(x)
        case .slice(let x, let axis, let index):
            bytes.append(11)
            count(x)
            count(axis)
            count(index)
        case .argmax(let x):
            bytes.append(12)
            count(x)
        case .reshape(let x):
            bytes.append(13)
            count(x)
        case .windows(let x, let size, let stride, let padding):
            bytes.append(14)
            count(x)
            count(size)
            count(stride)
            count(padding)
        }
    }
}
