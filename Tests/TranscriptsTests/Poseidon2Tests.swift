import CSIMD
import Fields
import Testing
import Transcripts

@Suite struct Poseidon2Tests {
    static let hashes: [HashFunction] = [.poseidon2M31, .poseidon2Goldilocks, .poseidon2BN254]

    /// The images of (0, 1, 2, ...): those of Plonky3's tests `test_default_mersenne31_poseidon2_width_16` and
    /// `test_default_goldilocks_poseidon2_width_8`, and of HorizenLabs/poseidon2 for BN254.
    static let m31Image: [UInt32] = [
        0x0b2c_803a, 0x5b1e_e4d1, 0x49c6_b1e3, 0x2cdc_280c, 0x310a_60c8, 0x530a_729e, 0x4e61_bcb4, 0x2e84_d3c3,
        0x5870_9c08, 0x7e82_ac42, 0x2162_bcef, 0x6d15_3ab6, 0x742c_f0e3, 0x2f21_632d, 0x61ad_ce1e, 0x1973_d6f1,
    ]
    static let goldilocksImage: [UInt64] = [
        0x020c_f04a_1b21_4d14, 0x84e1_4aaa_eaca_ed25, 0x1ae0_f640_e81c_7457, 0xa4d2_04cb_aeb0_d8a5,
        0x0cf6_37b6_27b3_a7ff, 0x788d_304d_948b_486b, 0x7327_133e_a194_9af4, 0xf415_abb9_24da_395b,
    ]
    static let bn254Image = [
        "0bb61d24daca55eebcb1929a82650f328134334da98ea4f847f760054f4a3033",
        "303b6f7c86d043bfcbcc80214f26a30277a15d3f74ca654992defe7ff8d03570",
        "1ed25194542b12eef8617361c3ba7c52e660b145994427cc86296242cf766ec8",
    ]

    @Test func permutationsArePublishedOnes() {
        let m31 = Poseidon2References.m31.permutation((0..<16).map { M31($0) })
        #expect(m31.map(\.value) == Self.m31Image)
        let goldilocks = Poseidon2References.goldilocks.permutation((0..<8).map { Goldilocks($0) })
        #expect(goldilocks.map(\.value) == Self.goldilocksImage)
        let bn254 = Poseidon2References.bn254.permutation((0..<3).map { BN254Scalar($0) })
        let encoded = bn254.map { element in
            String(
                Poseidon2References.bn254.digest([element]).bytes.reversed().flatMap { byte in
                    [byte >> 4, byte & 15].map { Character(String($0, radix: 16)) }
                })
        }
        #expect(encoded == Self.bn254Image)
    }

    /// The kernels' permutation shows in nodes: the second half of the image, plus the second half of the input.
    @Test func nodesShowThePublishedImages() {
        func parent(_ hash: HashFunction, _ bytes: [UInt8]) -> Digest {
            let nodes = [Digest(bytes: bytes[..<32])!, Digest(bytes: bytes[32...])!]
            var parent = [Digest.zero]
            hash.hashPairs(nodes, pairCount: 1, into: &parent)
            return parent[0]
        }
        func bytes<T: FixedWidthInteger>(_ words: [T]) -> [UInt8] {
            words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
        }
        // None of these sums reaches the modulus.
        let m31 = (8..<16).map { Self.m31Image[$0] + UInt32($0) }
        #expect(parent(.poseidon2M31, bytes((0..<16).map { UInt32($0) })).bytes == bytes(m31))
        let goldilocks = (4..<8).map { Self.goldilocksImage[$0] + UInt64($0) }
        #expect(parent(.poseidon2Goldilocks, bytes((0..<8).map { UInt64($0) })).bytes == bytes(goldilocks))
    }

    /// Digests by `Experiments/poseidon2/poseidon2.py`.
    @Test func messagesAreThoseOfThePythonReference() {
        for (hash, digests) in Self.digests {
            for (count, expected) in digests {
                #expect(hash.hash(pattern(count)).description == expected, "\(hash), length \(count)")
            }
        }
    }

    static func reference(_ hash: HashFunction, _ message: [UInt8]) -> Digest {
        switch hash {
        case .poseidon2M31: Poseidon2References.m31.hash(message)
        case .poseidon2Goldilocks: Poseidon2References.goldilocks.hash(message)
        default: Poseidon2References.bn254.hash(message)
        }
    }

    @Test(arguments: hashes) func messagesAreThoseOfTheSwiftReference(_ hash: HashFunction) {
        var random = Seeded(state: 11)
        for length in [0, 1, 29, 30, 31, 59, 60, 61, 62, 63, 90, 93, 124, 125, 300] {
            for bytes in [
                random.bytes(length), [UInt8](repeating: 0, count: length), [UInt8](repeating: 255, count: length),
            ] {
                #expect(hash.hash(bytes) == Self.reference(hash, bytes), "length \(length)")
            }
        }
    }

    @Test func choicesAndLevels() {
        #expect(HashFunction.choices(field: "m31") == [.blake3, .sha256, .keccak256, .poseidon2M31])
        #expect(HashFunction.choices(field: "goldilocks").last == .poseidon2Goldilocks)
        #expect(HashFunction.choices(field: "bn254").last == .poseidon2BN254)
        #expect(HashFunction.choices(field: "f2") == [.blake3, .sha256, .keccak256])
        for field in ["m31", "goldilocks", "bn254"] {
            let choices = HashFunction.choices(field: field)
            #expect(Set(choices.map(\.name)).count == choices.count && choices.last!.name == "poseidon2")
            #expect((120...128).contains(choices.last!.collisionBits))
        }
    }

    static let digests: [(HashFunction, [(Int, String)])] = [
        (
            .poseidon2M31,
            [
                (0, "fc993d328625bb7e1b4e5f1fd42c1d7aae546224d0651d4edab70c18428d6514"),
                (1, "9216701ad3cedb445fe8af37088fdc319ace3b03f81cdd3a952df157ee9aa51d"),
                (29, "43737d6a0679ba12418c8c6881f6cd18c0c9335fc8013b760d27bf13b5c85757"),
                (30, "bd24005c08665940eb31ef7414ab193f7ff79c5a3a88a7741a73df6dfc581f4a"),
                (31, "4d57395cc2fb545253952e1b25db0b23f5b99917e512083f8e61ea306d04ca39"),
                (32, "c90bcb7e1b9aa97767d11f639b5c6838e58bff758bad3074da6bb44ff946ce7a"),
                (61, "fd29213b1f9c0b63b766d5283551ef341f33b46e3c3a2f33f673b3177d40902a"),
                (62, "5a328e71cbdba37298356004eef6b4049be92877b4b92f031b60ac72f63adf57"),
                (63, "38b6dd445a3d3b47e00ce660ffe1ed506b4feb77cfab6e248db0097b6ba4e429"),
                (64, "d8e64b3725b4f856bfc4d978f9885b7c8db1a6273d22d53eebf3bb217ceaab18"),
                (93, "f3053d3a8124801e4dc5a1557f6efe40b112737574183e57aa403e1b5fe8b12e"),
                (124, "1a1925112061a3153e4cf6655274ad4c1b8b71786823351fcfc9f361adcd6857"),
                (125, "44a4aa2da3e6a754aaf77c68aa3ed114aa95fd25b874946ecec94f1cea44cb71"),
                (200, "d58f4d7fe86dbb0375ed8951e0a7b47c7c0255735587113d07828a4b0715f82e"),
            ]
        ),
        (
            .poseidon2Goldilocks,
            [
                (0, "f2c19297374ff23464b87575d8bcacb2aca09fbdfb074ebd39a4b8ea287e3f2e"),
                (1, "292846b8749deca48cf9617a4ee0363caeb7cf290deca9f2367a08404a114c25"),
                (29, "b26f195a32cfb8a01c046bc3c9d46ce85b04ed835f62bf1a504639b8d2ab958a"),
                (30, "912d461d594e3363360d121bdff47a442933766a4b0985bbec8e5373d53cc5c6"),
                (31, "f268b419fa790acd87351b5aabb335267b356782abbf2b304883e712cbc5ada5"),
                (32, "faf51b9946bc8c91c330e114263bbcc3fb74cd8cda47bca07df9f7d195a616b1"),
                (61, "90cd668d973667116ce6a88e32f746fd314a9c9439391f3566e5405b4d871d34"),
                (62, "60bdaaff85f124492acf583492e2e0b166b682e7d003c5e3552323be9cee597f"),
                (63, "b7a7d98332cd3e253de805b6bc53cbb8d4ebf8724edaa28e7a78ee6cce155e02"),
                (64, "43f3907e05cdfc7f3c9dddda9a92c186f850b4cb553de31b7909656768912f1c"),
                (93, "8bb03c08d2cc9585353ee715b0c35b55c8fed44cc7c323b889d72cacb858b878"),
                (124, "fa6336f417e90d69a7b7014e53176be519bc7624937ce8a3768c0474aedc62c7"),
                (125, "cd0453112bafb2aa68e39cb8550dc06674e71aaeaf29c345d265b3d0caeb7c47"),
                (200, "6114e017aba22575aec12174f5fe6a47e249a6321e9da826c67f99abd294d62b"),
            ]
        ),
        (
            .poseidon2BN254,
            [
                (0, "7de01b9765fd54a343cd474aeba659fd4d65d238016d6f8b73163384f0ab9025"),
                (1, "5e5b5cd49afe8766a2da1ed09cb02126a803fe0b9fa1374b36434456e2718f2b"),
                (29, "77e09bdd1ddd4298db0971e693c7f4ef857331105c8e6ce3ab195c32115e6a26"),
                (30, "1f1991aa681aa8ad416543e94dae838cc8bf639add795ecf3087c88cbfd77100"),
                (31, "ee570300598861197b07afa8caf5e5ed26e26d47e93cedbda88adf9952554b06"),
                (32, "efe7ac77a0a71a66e4050c3457a74bbceca1fb7e54cd7023cf8089707e04e11d"),
                (61, "d1f2040f01095f993d762a3fd34012bb50932f0aadacc006191cbb927c96d11b"),
                (62, "883d39e7655a00ee2f825ee80d82d5f00b509925e3baa9e04f67caacb807be02"),
                (63, "9e87b38259be9196167ceb4e13ed0ea72feaa9dd60139ccdf8ec37a333b8c10e"),
                (64, "d869a6996a7cf5f67675f0f60ebd5a69c65952d739a460c3fce3dc8ed24ace01"),
                (93, "4458864cebd2b07feed27bbe006651c3e95a722cfc94140af241cf29e2a31d1b"),
                (124, "938565849df219eb205e0028cfc64b7b2e3f2c046bce36b7dfc0539d07bc5423"),
                (125, "ef8a0513867b7fc80f695b5bf1bfae284cfa4b4bd927d2d1420c55e0f8fd292c"),
                (200, "5d788b2eec9cd6425e1aab999d8109d179f2c4d20c507035c2775d6ad848e313"),
            ]
        ),
    ]
}

// There, because it sets levels.
extension HashKernels {
    /// Elements at the edges of the field, in all lanes, and bytes that are no elements: no two pairs have one parent.
    @Test(arguments: Poseidon2Tests.hashes) func nodesAtTheEdges(_ hash: HashFunction) {
        let size: Int
        let modulus: [UInt8]
        switch hash {
        case .poseidon2M31: (size, modulus) = (4, [0xff, 0xff, 0xff, 0x7f])
        case .poseidon2Goldilocks: (size, modulus) = (8, [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
        default:
            size = 32
            modulus = [
                0x01, 0x00, 0x00, 0xf0, 0x93, 0xf5, 0xe1, 0x43, 0x91, 0x70, 0xb9, 0x79, 0x48, 0xe8, 0x33, 0x28, 0x5d,
                0x58, 0x81, 0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
            ]
        }
        /// The modulus plus a small number.
        func near(_ offset: Int) -> [UInt8] {
            var bytes = modulus
            var carry = offset
            for i in 0..<size {
                let sum = Int(bytes[i]) + carry
                bytes[i] = UInt8(sum & 255)
                carry = sum >> 8
            }
            return bytes
        }
        let zero = [UInt8](repeating: 0, count: size)
        let one = [1] + zero.dropLast()
        let edges = [zero, one, near(-2), near(-1), near(0), near(1), [UInt8](repeating: 255, count: size)]
        let count = 64 / size
        var blocks: [[UInt8]] = []
        for edge in edges {
            blocks.append([[UInt8]](repeating: edge, count: count).flatMap { $0 })
            for place in Set([0, 1, count / 2, count - 1]).sorted() {
                for other in [zero, near(-1)] where other != edge {
                    var elements = [[UInt8]](repeating: other, count: count)
                    elements[place] = edge
                    blocks.append(elements.flatMap { $0 })
                }
            }
        }
        blocks = Array(Set(blocks)).sorted { $0.lexicographicallyPrecedes($1) }
        let nodes = blocks.flatMap { [Digest(bytes: $0[..<32])!, Digest(bytes: $0[32...])!] }
        let expected = blocks.indices.map { Reference.node(hash, nodes[2 * $0], nodes[2 * $0 + 1]) }
        #expect(Set(expected).count == blocks.count)
        func parents() -> [Digest] {
            var parents = [Digest](repeating: .zero, count: blocks.count)
            hash.hashPairs(nodes, pairCount: blocks.count, into: &parents)
            return parents
        }
        #expect(HashKernels.portable { parents() } == expected)
        HashKernels.atEveryLevel(hash) { level in #expect(parents() == expected, "\(level)") }
    }
}
