/// A memory-mapped safetensors file: eight bytes of header length, a JSON header that gives type, shape and offsets of every
/// tensor, then the data. Everything about it is checked before a tensor is read: offsets must tile the data without gaps
/// or overlaps, as the format demands, and agree with shape and type.
struct Safetensors {
    enum Kind: String {
        case float32 = "F32"
        case float16 = "F16"
        case bfloat16 = "BF16"

        var bytes: Int { self == .float32 ? 4 : 2 }
    }

    struct Entry {
        let type: String
        let shape: [Int]
        let offsets: Range<Int>
    }

    /// The format's own limit on headers.
    static let headerLimit = 100_000_000

    let file: MappedFile
    let data: UnsafeRawBufferPointer
    let entries: [String: Entry]

    init(_ file: MappedFile) throws {
        self.file = file
        let bytes = file.bytes
        func fail(_ tensor: String? = nil, _ problem: String) -> ModelFileError {
            ModelFileError(
                file.path, tensor, problem: problem, remedy: "Write the file again or download it anew; it is damaged")
        }
        guard bytes.count >= 8 else { throw fail(nil, "has \(bytes.count) bytes, too few for a header") }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(bytes.count - 8) else {
            throw fail(nil, "announces a header of \(length) bytes and has \(bytes.count - 8) after the length")
        }
        guard length <= UInt64(Safetensors.headerLimit) else {
            throw fail(nil, "announces a header of \(length) bytes; the format allows \(Safetensors.headerLimit)")
        }
        let headerEnd = 8 + Int(length)
        data = UnsafeRawBufferPointer(rebasing: bytes[headerEnd...])
        let header: JSON
        do {
            header = try JSON.parse(UnsafeRawBufferPointer(rebasing: bytes[8..<headerEnd]))
        } catch let problem as JSON.Problem {
            throw fail(nil, "the header is not the JSON expected: \(problem.message) at byte \(8 + problem.offset)")
        }
        guard let members = header.members else { throw fail(nil, "the header is not a JSON object") }
        var entries: [String: Entry] = [:]
        for (name, value) in members where name != "__metadata__" {
            guard let type = value.members?["dtype"]?.text, let dimensions = value.members?["shape"]?.elements,
                let offsets = value.members?["data_offsets"]?.elements
            else { throw fail(name, "lacks dtype, shape or data_offsets") }
            let shape = dimensions.compactMap(\.integer)
            guard shape.count == dimensions.count, shape.allSatisfy({ $0 >= 0 }) else {
                throw fail(name, "has a shape that is not a list of sizes")
            }
            guard offsets.count == 2, let start = offsets[0].integer, let end = offsets[1].integer, start >= 0,
                start <= end, end <= data.count
            else { throw fail(name, "has offsets outside the \(data.count) bytes of data") }
            entries[name] = Entry(type: type, shape: shape, offsets: start..<end)
        }
        // Empty tensors take no room and may start anywhere inside.
        var end = 0
        let occupied = entries.filter { !$0.value.offsets.isEmpty }
        for (name, entry) in occupied.sorted(by: {
            ($0.value.offsets.lowerBound, $0.key) < ($1.value.offsets.lowerBound, $1.key)
        }) {
            guard entry.offsets.lowerBound == end else {
                throw fail(
                    name,
                    entry.offsets.lowerBound < end
                        ? "overlaps another tensor" : "leaves a gap before itself in the data")
            }
            end = entry.offsets.upperBound
        }
        guard end == data.count else { throw fail(nil, "has \(data.count - end) bytes after the last tensor") }
        self.entries = entries
    }

    /// The tensor as floats. Its shape must be `shape`; entries must be finite.
    func floats(_ name: String, shape: [Int]) throws -> [Float] {
        guard let entry = entries[name] else {
            throw ModelFileError(
                file.path, name, problem: "is missing",
                remedy: "Check that config.json belongs to this file; it should have shape \(shape)")
        }
        guard let kind = Kind(rawValue: entry.type) else {
            throw ModelFileError(
                file.path, name, problem: "has type \(ModelFileError.printable(entry.type))",
                remedy: "Convert the model to F32, F16 or BF16")
        }
        guard entry.shape == shape else {
            throw ModelFileError(
                file.path, name, problem: "has shape \(entry.shape.prefix(8)), not \(shape)",
                remedy: "Check that config.json belongs to this file")
        }
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, product <= data.count else {
                throw ModelFileError(
                    file.path, name, problem: "has more entries than the file has bytes",
                    remedy: "Download the file anew")
            }
            count = product
        }
        guard count * kind.bytes == entry.offsets.count else {
            throw ModelFileError(
                file.path, name,
                problem: "has \(entry.offsets.count) bytes for \(count) entries of type \(kind.rawValue)",
                remedy: "Write the file again or download it anew; it is damaged")
        }
        let source = UnsafeRawBufferPointer(rebasing: data[entry.offsets])
        var bad: Int?
        let values = [Float](unsafeUninitializedCapacity: count) { out, initialized in
            for i in 0..<count {
                let value: Float
                switch kind {
                case .float32:
                    value = Float(
                        bitPattern: UInt32(littleEndian: source.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)))
                case .float16:
                    value = Safetensors.half(
                        UInt16(littleEndian: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)))
                case .bfloat16:
                    let bits = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
                    value = Float(bitPattern: UInt32(bits) << 16)
                }
                if !value.isFinite && bad == nil { bad = i }
                out.initializeElement(at: i, to: value)
            }
            initialized = count
        }
        if let bad {
            throw ModelFileError(
                file.path, name, problem: "entry \(bad) is \(values[bad])",
                remedy: "A model with weights that are not finite cannot be quantised; export it again")
        }
        return values
    }

    /// IEEE 754 binary16 to binary32, exact. (`Float16` is not available on every platform.)
    static func half(_ bits: UInt16) -> Float {
        let sign: Float = bits >> 15 == 0 ? 1 : -1
        let exponent = Int(bits >> 10) & 31
        let fraction = Float(bits & 1023)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
        }
    }
}
