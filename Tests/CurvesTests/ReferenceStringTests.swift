import Curves
import Fields
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct ReferenceStringTests {
    private func inFolder<R>(_ body: (String) throws -> R) throws -> R {
        let folder = NSTemporaryDirectory() + "assay-srs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    @Test func development() throws {
        let string = ReferenceString.development(size: 100)
        #expect(string.count >= 100)
        #expect(string.verifier.isInsecure && string.verifier.label.contains("INSECURE"))
        try string.verifyPowers()
        string.withPoints { points in
            #expect(points[0] == .generator && points[1] == string.verifier.g1[0] && points[2] == string.verifier.g1[1])
            #expect(Pairing.isProductOne([(points[99], .generator), (-points[98], string.verifier.g2[0])]))
        }
        // The same tau whatever the size.
        #expect(ReferenceString.development(size: 300).verifier == string.verifier)
        let again = try VerifierReference(encoded: string.verifier.encoded)
        #expect(again == string.verifier)
    }

    @Test func hostileVerifierParts() {
        let honest = ReferenceString.development(size: 3).verifier.encoded
        var random = CommitmentTestGenerator(seed: 1)
        for _ in 0..<60 {
            var wrong = honest
            wrong[Int.random(in: 0..<honest.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(throws: ReferenceStringError.self) { try VerifierReference(encoded: wrong) }
        }
        for wrong in [[], Array(honest.dropLast()), honest + [0], [UInt8](repeating: 0, count: honest.count)] {
            #expect(throws: ReferenceStringError.self) { try VerifierReference(encoded: wrong) }
        }
        // Points of the groups that are powers of no one tau.
        let g = G2.generator.encoded
        for start in [128, 256, 384] {
            var wrong = honest
            wrong.replaceSubrange(start..<start + 128, with: g)
            #expect(throws: ReferenceStringError.self) { try VerifierReference(encoded: wrong) }
        }
        for start in [0, 64] {
            var wrong = honest
            wrong.replaceSubrange(start..<start + 64, with: G1.generator.encoded)
            #expect(throws: ReferenceStringError.self) { try VerifierReference(encoded: wrong) }
        }
    }

    /// Elements of the wrong groups, and in encodings that are not canonical: refused for what they are, not only because the
    /// powers do not fit each other.
    @Test func wrongElements() throws {
        let honest = ReferenceString.development(size: 3).verifier
        func why(_ bytes: [UInt8]) -> String {
            do {
                _ = try VerifierReference(encoded: bytes)
                return "accepted"
            } catch { return "\(error)" }
        }
        func replacing(_ start: Int, _ bytes: [UInt8]) -> [UInt8] {
            var all = honest.encoded
            all.replaceSubrange(start..<start + bytes.count, with: bytes)
            return all
        }
        let noPoint = "an element is no point of its group"
        for k in 0..<3 {
            let start = 128 + 128 * k
            for (what, point) in WrongPoints.all {
                #expect(why(replacing(start, point.encoded)) == noPoint, "\(what), number \(k)")
            }
            // The right power, and a part that the order r does not see.
            #expect(why(replacing(start, (honest.g2[k] + WrongPoints.ofCofactor).encoded)) == noPoint)
            #expect(why(replacing(start, G2.identity.encoded)) == "the elements are not powers of one tau")
            #expect(why(replacing(start, (-honest.g2[k]).encoded)) == "the elements are not powers of one tau")
        }
        for k in 0..<2 {
            #expect(why(replacing(64 * k, WrongPoints.offCurve.encoded)) == noPoint)
            #expect(
                why(replacing(64 * k, G1.identity.encoded))
                    == (k == 0 ? "tau is zero" : "the elements are not powers of one tau"))
        }
        // Every coordinate with p added.
        for start in stride(from: 0, to: VerifierReference.byteCount, by: 32) {
            let coordinate = honest.encoded[start..<start + 32]
            let wrong = notCanonical(coordinate.reversed(), modulus: FieldTowerTests.modulus)
            #expect(why(replacing(start, wrong.reversed())) == noPoint, "byte \(start)")
        }
        // All powers of tau = 0.
        let zero = honest.encoded.map { _ in UInt8(0) }
        #expect(why(zero) == "tau is zero")
    }

    /// The same in a `.ptau` file, where coordinates are in Montgomery form.
    @Test func wrongElementsInFiles() throws {
        try inFolder { folder in
            let path = folder + "/a.ptau"
            let honest = samplePtau(power: 3, tau: BN254Scalar(0x1234_5678_9abc))
            let g2 = honest.count - 128 * 8
            let g1 = g2 - 12 - 64 * 15
            func why(_ start: Int, _ bytes: some Collection<UInt8>) throws -> String {
                var wrong = honest
                wrong.replaceSubrange(start..<start + bytes.count, with: bytes)
                try Data(wrong).write(to: URL(fileURLWithPath: path))
                do {
                    _ = try ReferenceString(ptau: path, size: 15)
                    return "accepted"
                } catch { return "\(error)" }
            }
            func memory<T>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
            #expect(try why(g1, honest[g1..<g1 + 64]) == "accepted")
            for k in 0..<4 {
                let start = g2 + 128 * k
                let refused = "\(path): power \(k) in G2 is not in the group"
                for (what, point) in WrongPoints.all { #expect(try why(start, memory(point)) == refused, "\(what)") }
                let right = try #require(G2(encoded: power(honest[start..<start + 128])))
                #expect(try why(start, memory(right + WrongPoints.ofCofactor)) == refused)
                #expect(try why(start, memory(G2.identity)) == refused)
                for part in stride(from: start, to: start + 128, by: 32) {
                    let wrong = notCanonical(honest[part..<part + 32], modulus: FieldTowerTests.modulus)
                    #expect(try why(part, wrong) == refused, "byte \(part)")
                }
            }
            for k in [0, 1, 2, 9, 14] {
                let start = g1 + 64 * k
                #expect(try why(start, memory(WrongPoints.offCurve)) == "\(path): power \(k) in G1 is not on the curve")
                let refused = "\(path): power \(k) in G1 is not a canonical point"
                #expect(try why(start, memory(G1.identity)) == refused)
                for part in [start, start + 32] {
                    let wrong = notCanonical(honest[part..<part + 32], modulus: FieldTowerTests.modulus)
                    #expect(try why(part, wrong) == refused, "byte \(part)")
                }
            }
        }
    }

    /// A point of G2 in the memory of a file, as EIP-197 encodes it.
    private func power(_ memory: ArraySlice<UInt8>) -> [UInt8] {
        Array(memory).withUnsafeBytes { $0.loadUnaligned(as: G2.self) }.encoded
    }

    /// The development string keeps its label through a file, and gets into none whose name does not tell.
    @Test func developmentFile() throws {
        try inFolder { folder in
            #expect(throws: ReferenceStringError.self) {
                try ReferenceString.writeDevelopment(ptau: folder + "/powers.ptau", power: 3)
            }
            let path = folder + "/INSECURE.ptau"
            try ReferenceString.writeDevelopment(ptau: path, power: 3)
            let string = try ReferenceString(ptau: path, size: 15)
            #expect(string.verifier.isInsecure && string.verifier.label == ReferenceString.insecureLabel)
            try string.verifyPowers()
            let known = ReferenceString.development(size: 15)
            #expect(string.withPoints { Array($0) } == known.withPoints { Array($0[..<15]) })
        }
    }

    @Test(arguments: [0, 8, 3]) func ptauFiles(padding: Int) throws {
        try inFolder { folder in
            let path = folder + "/a.ptau"
            let bytes = samplePtau(power: 4, tau: BN254Scalar(0x1234_5678_9abc), padding: padding)
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let string = try ReferenceString(ptau: path, size: 31)
            #expect(string.count == 31 && !string.verifier.isInsecure && !string.verifier.label.contains("INSECURE"))
            try string.verifyPowers()
            #expect(throws: ReferenceStringError.self) { try ReferenceString(ptau: path, size: 32) }
            #expect(try ReferenceString(ptau: path, size: 5).verifier == string.verifier)

            // Bytes changed: rejected, or a string whose powers do not belong together, or something not used.
            var random = CommitmentTestGenerator(seed: 2)
            let g1 = bytes.count - 128 * 16 - 12 - 64 * 31
            for i in 0..<80 {
                var wrong = bytes
                let position =
                    i < 40 ? Int.random(in: 0..<g1, using: &random) : g1 + Int.random(in: 0..<64 * 31, using: &random)
                wrong[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                try Data(wrong).write(to: URL(fileURLWithPath: path))
                // Of the header only the size of the ceremony is not used; and the section of unknown type is skipped.
                let skipped = (64..<80 + padding).contains(position)
                if !skipped {
                    #expect(throws: ReferenceStringError.self, "byte \(position)") {
                        try ReferenceString(ptau: path, size: 31)
                    }
                }
            }
            for count in [0, 1, 4, 11, 12, 30, 79, g1, bytes.count - 1] {
                try Data(bytes[..<count]).write(to: URL(fileURLWithPath: path))
                #expect(throws: ReferenceStringError.self) { try ReferenceString(ptau: path, size: 31) }
            }
            try Data(bytes + [0]).write(to: URL(fileURLWithPath: path))
            #expect(throws: ReferenceStringError.self) { try ReferenceString(ptau: path, size: 31) }
            #expect(throws: ReferenceStringError.self) { try ReferenceString(ptau: folder + "/none", size: 3) }
            #expect(throws: ReferenceStringError.self) { try ReferenceString(ptau: folder, size: 3) }

            // A point of the curve in the place of a power: only the check of all powers tells.
            var wrong = bytes
            withUnsafeBytes(of: G1.generator) { wrong.replaceSubrange(g1 + 64 * 9..<g1 + 64 * 10, with: $0) }
            try Data(wrong).write(to: URL(fileURLWithPath: path))
            let mixed = try ReferenceString(ptau: path, size: 31)
            #expect(throws: ReferenceStringError.self) { try mixed.verifyPowers() }
            wrong = bytes
            wrong.replaceSubrange(g1 + 64 * 9..<g1 + 64 * 10, with: [UInt8](repeating: 0, count: 64))
            try Data(wrong).write(to: URL(fileURLWithPath: path))
            #expect(throws: ReferenceStringError.self) { try ReferenceString(ptau: path, size: 31) }
        }
    }
}
