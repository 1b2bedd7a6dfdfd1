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
