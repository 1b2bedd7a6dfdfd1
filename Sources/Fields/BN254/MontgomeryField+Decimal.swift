extension MontgomeryField {
    /// Reads an integer less than p in decimal digits, nothing else; leading zeros are allowed.
    public init?(decimal: String) {
        guard !decimal.isEmpty else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for byte in decimal.utf8 {
            guard byte >= 0x30 && byte <= 0x39 else { return nil }
            var carry = UInt64(byte - 0x30)
            for i in 0..<4 {
                let product = words[i].multipliedFullWidth(by: 10)
                let (low, overflow) = product.low.addingReportingOverflow(carry)
                words[i] = low
                carry = product.high + (overflow ? 1 : 0)
            }
            guard carry == 0 else { return nil }
        }
        self.init(words: (words[0], words[1], words[2], words[3]))
    }

    /// The canonical integer in decimal digits.
    public var decimalDescription: String {
        let w = words
        var words = [w.0, w.1, w.2, w.3]
        let chunk: UInt64 = 10_000_000_000_000_000_000
        var chunks: [String] = []
        while words.contains(where: { $0 != 0 }) {
            var remainder: UInt64 = 0
            for i in (0..<4).reversed() {
                (words[i], remainder) = chunk.dividingFullWidth((remainder, words[i]))
            }
            chunks.append(String(remainder))
        }
        guard let first = chunks.popLast() else { return "0" }
        return chunks.reversed().reduce(first) { $0 + String(repeating: "0", count: 19 - $1.count) + $1 }
    }
}
