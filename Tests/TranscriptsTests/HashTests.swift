import CSIMD
import Testing
import Transcripts

/// The bytes of the official BLAKE3 test vectors: 0, 1, ..., 250, 0, 1, ...
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 251) } }

@Suite struct DigestTests {
    @Test func bytesAndDescription() throws {
        let bytes = (0..<32).map { UInt8($0 * 7 + 1 & 0xff) }
        let digest = try #require(Digest(bytes: bytes))
        #expect(digest.bytes == bytes)
        #expect(digest.words[0] == 0x322b_241d_160f_0801)
        #expect(digest.description.hasPrefix("01080f161d242b32"))
        #expect(digest.description.count == 64)
        #expect(bytes.withUnsafeBytes { Digest(reading: $0.baseAddress!) } == digest)
        #expect(MemoryLayout<Digest>.stride == 32)
        #expect([digest, .zero].digestBytes == bytes + [UInt8](repeating: 0, count: 32))
        #expect(Digest(bytes: bytes.dropLast()) == nil)
        #expect(Digest(bytes: bytes + [0]) == nil)
        #expect(Digest.zero != digest)
    }
}

@Suite struct HashVectors {
    /// The examples of FIPS 180-4 that NIST publishes, and a million letters a.
    @Test func sha256Examples() {
        func digest(_ text: String) -> String { HashFunction.sha256.hash(Array(text.utf8)).description }
        #expect(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(
            digest(
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                    + "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu")
                == "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1")
        #expect(
            HashFunction.sha256.hash([UInt8](repeating: 0x61, count: 1_000_000)).description
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func keccak256Lengths() {
        for (count, expected) in HashVectors.keccak256 {
            #expect(HashFunction.keccak256.hash(pattern(count)).description == expected, "length \(count)")
        }
    }

    /// The empty message as Ethereum's yellow paper has it, and the first of ShortMsgKAT_256 of the Keccak team.
    @Test func keccak256Examples() {
        func digest(_ bytes: [UInt8]) -> String { HashFunction.keccak256.hash(bytes).description }
        #expect(digest([]) == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
        #expect(digest([0xcc]) == "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a")
        #expect(digest(Array("abc".utf8)) == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45")
    }

    /// Around the ends of blocks; computed with another implementation (PyCryptodome).
    static let keccak256: [(Int, String)] = [
        (0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (1, "bc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"),
        (31, "3e50547cf72e8583ee91462f9d99fe624f53282f78e1a5ec2347b1d0123d0d9b"),
        (32, "8ae1aa597fa146ebd3aa2ceddf360668dea5e526567e92b0321816a4e895bd2d"),
        (55, "797f92d5e159d80a886c0a7802a255b475a1e8e473e8cf4345144824a2aee79c"),
        (63, "eed42da65350e8490c201e15dd3bdb8aeaab8618692db71db386a19b6578c59d"),
        (64, "002030bde3d4cf89919649775cd71875c4d0ab1708a380e03fefc3a28aa24831"),
        (65, "64578d7b8ae53c452c57b27375f3827854a7ead6448dc566d77a6673701f50d3"),
        (135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62"),
        (136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e"),
        (137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db"),
        (199, "56250bee01a9201a7934ccb27dbbcb75e84298884ea6a03405a88d4f20785097"),
        (200, "bfb0aa97863e797943cf7c33bb7e880bb4543f3d2703c0923c6901c2af57b890"),
        (271, "27eceb59ebc3dc8a04a5b135be641591a7278540e4556a2ba9f408194e666ec3"),
        (272, "8e2476e65823b24d96ebe239f2c1534cdf763e689e2410c3b1cb0c74e6177bfc"),
        (273, "3f02f134370e4debb95140ef49ddd3aed8c65ff1ed83a43f1b269421f179c5f9"),
        (407, "be1d82cc504f5c420025f3c4a4a5319fd075cc4645449b789ee84377787bb43c"),
        (408, "2fa03dab557315e48395073815c6aefeb1e78b5f750fa85b623ab3a1f1d988a1"),
        (409, "0ff7e0419de009e67c976466d11b9639e5c174c4c46bab0586c04c9440edf088"),
        (1000, "af692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b"),
        (4096, "154a932bb08a718880807903c8724a2e293271f249bd8d7017eb0e9b456a218d"),
        (8191, "2c9cf1106726ea85d8991f6470e9885d91d098b25a52bf7a9dde12c383d0b236"),
    ]

    /// Around the ends of blocks; computed with another implementation (Python's hashlib).
    @Test func sha256Lengths() {
        for (count, expected) in HashVectors.sha256 {
            #expect(HashFunction.sha256.hash(pattern(count)).description == expected, "length \(count)")
        }
    }

    /// The lengths of the official test_vectors.json, hash mode, first 32 bytes.
    @Test func blake3Lengths() {
        for (count, expected) in HashVectors.blake3 {
            #expect(HashFunction.blake3.hash(pattern(count)).description == expected, "length \(count)")
        }
    }

    static let sha256: [(Int, String)] = [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (3, "ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc"),
        (54, "675f28acc0b90a72d1c3a570fe83ac565555db358cf01826dc8eefb2bf7ca0f3"),
        (55, "463eb28e72f82e0a96c0a4cc53690c571281131f672aa229e0d45ae59b598b59"),
        (56, "da2ae4d6b36748f2a318f23e7ab1dfdf45acdc9d049bd80e59de82a60895f562"),
        (57, "2fe741af801cc238602ac0ec6a7b0c3a8a87c7fc7d7f02a3fe03d1c12eac4d8f"),
        (63, "29af2686fd53374a36b0846694cc342177e428d1647515f078784d69cdb9e488"),
        (64, "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108"),
        (65, "4bfd2c8b6f1eec7a2afeb48b934ee4b2694182027e6d0fc075074f2fabb31781"),
        (111, "60780e9451bdc43cf4530ffc95cbb0c4eb24dae2c39f55f334d679e076c08065"),
        (112, "09373f127d34e61dbbaa8bc4499c87074f2ddb10e1b465f506d7d70a15011979"),
        (119, "da18797ed7c3a777f0847f429724a2d8cd5138e6ed2895c3fa1a6d39d18f7ec6"),
        (120, "f52b23db1fbb6ded89ef42a23ce0c8922c45f25c50b568a93bf1c075420bbb7c"),
        (127, "92ca0fa6651ee2f97b884b7246a562fa71250fedefe5ebf270d31c546bfea976"),
        (128, "471fb943aa23c511f6f72f8d1652d9c880cfa392ad80503120547703e56a2be5"),
        (129, "5099c6a56203f9687f7d33f4bfdf576d31dc91f6b695ecea38b2770c87631135"),
        (1000, "4e4c294b331f7a2099a379bec34b9f9fc03dc46ab465d998f4d683da53487e6d"),
        (4096, "d67c656e01756650d77717b0839985a056ec28ffe174601d690fc407a2ceffca"),
    ]

    static let blake3: [(Int, String)] = [
        (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
        (2, "7b7015bb92cf0b318037702a6cdd81dee41224f734684c2c122cd6359cb1ee63"),
        (3, "e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f"),
        (4, "f30f5ab28fe047904037f77b6da4fea1e27241c5d132638d8bedce9d40494f32"),
        (5, "b40b44dfd97e7a84a996a91af8b85188c66c126940ba7aad2e7ae6b385402aa2"),
        (6, "06c4e8ffb6872fad96f9aaca5eee1553eb62aed0ad7198cef42e87f6a616c844"),
        (7, "3f8770f387faad08faa9d8414e9f449ac68e6ff0417f673f602a646a891419fe"),
        (8, "2351207d04fc16ade43ccab08600939c7c1fa70a5c0aaca76063d04c3228eaeb"),
        (63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"),
        (64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"),
        (65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"),
        (127, "d81293fda863f008c09e92fc382a81f5a0b4a1251cba1634016a0f86a6bd640d"),
        (128, "f17e570564b26578c33bb7f44643f539624b05df1a76c81f30acd548c44b45ef"),
        (129, "683aaae9f3c5ba37eaaf072aed0f9e30bac0865137bae68b1fde4ca2aebdcb12"),
        (1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
        (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
        (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
        (2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"),
        (2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"),
        (3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"),
        (3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3"),
        (4096, "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969"),
        (4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"),
        (5120, "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833"),
        (5121, "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff"),
        (6144, "3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205"),
        (6145, "f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f"),
        (7168, "61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a"),
        (7169, "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817"),
        (8192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63"),
        (8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"),
        (16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"),
        (31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"),
        (102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
    ]

    /// Inner nodes are what their documentation says, and nothing that a message can hash to by its form.
    @Test(arguments: HashFunction.allCases) func nodes(_ hash: HashFunction) {
        var random = Seeded(state: 1)
        for count in [1, 2, 3, 5, 8, 16, 17, 31, 33, 100] {
            let nodes = (0..<2 * count).map { _ in random.digest() }
            var parents = [Digest](repeating: .zero, count: count)
            hash.hashPairs(nodes, pairCount: count, into: &parents)
            for i in 0..<count {
                #expect(parents[i] == Reference.node(hash, nodes[2 * i], nodes[2 * i + 1]))
                #expect(parents[i] != hash.hash(nodes[2 * i].bytes + nodes[2 * i + 1].bytes))
            }
        }
        var parent = [Digest.zero]
        hash.hashPairs([.zero, .zero], pairCount: 1, into: &parent)
        // Pinned: a change would make every proof file unreadable.
        let expected =
            switch hash {
            case .blake3: "bd2d4d4bdb24ccee22f9a6af540010ed1a38cff15fd72907ca97c2f478f0f8fb"
            case .sha256: "a1a5cd0f84270a7c0a4219f0490f60e1da12f215bc96c6b8e8ee7b0cf362dff1"
            case .keccak256: "c51e9ed626e4bffb24ac3ba4cffa7b4a1bd4f5fd938a02de2f8818d65ba437cf"
            case .poseidon2M31: "90757522b815ee34cb349a784512a179598d552ef714af623590a16041d19b34"
            case .poseidon2Goldilocks: "a1e6f2aafe4a7e77da27f45e8e246c6001502c2b24822e86c708c9c42c53ea61"
            case .poseidon2BN254: "3a9bc9ffb5340ae30730b0f7ee580eaa0e4b8a570ff53d3b353c7a73c9069325"
            }
        #expect(parent[0].description == expected)
    }
}

/// Every kernel against the portable one. The level is the whole process's: these tests run one after the other, and
/// restore it.
@Suite(.serialized) struct HashKernels {
    static func atEveryLevel(_ hash: HashFunction, _ body: (String) -> Void) {
        let before = csimd_current_level()
        defer {
            csimd_sha256_use_extensions(1)
            csimd_set_level(before)
        }
        for level in [CSIMD_LEVEL_AVX2, CSIMD_LEVEL_AVX512] where level.rawValue <= csimd_supported_level().rawValue {
            for extensions in hash == .sha256 ? [Int32(0), 1] : [1] {
                csimd_set_level(level)
                csimd_sha256_use_extensions(extensions)
                body("level \(level.rawValue), SHA extensions \(extensions)")
            }
        }
    }

    static func portable<R>(_ body: () -> R) -> R {
        let before = csimd_current_level()
        defer { csimd_set_level(before) }
        csimd_set_level(CSIMD_LEVEL_PORTABLE)
        return body()
    }

    static func rows(_ hash: HashFunction, _ data: [UInt8], rowBytes: Int, rowCount: Int) -> [Digest] {
        // One more than needed, to see that nothing is written behind the last.
        var digests = [Digest](repeating: .zero, count: rowCount + 1)
        data.withUnsafeBytes { bytes in
            withUnsafePointer(to: UInt8(0)) { nothing in
                hash.hashRows(
                    bytes.baseAddress ?? UnsafeRawPointer(nothing), rowBytes: rowBytes, rowCount: rowCount,
                    into: &digests)
            }
        }
        #expect(digests[rowCount] == .zero)
        return Array(digests.dropLast())
    }

    static func parents(_ hash: HashFunction, _ nodes: [Digest], _ count: Int) -> [Digest] {
        var parents = [Digest](repeating: .zero, count: count + 1)
        hash.hashPairs(nodes, pairCount: count, into: &parents)
        #expect(parents[count] == .zero)
        return Array(parents.dropLast())
    }

    @Test(arguments: HashFunction.allCases) func messages(_ hash: HashFunction) {
        var random = Seeded(state: 2)
        // Poseidon2 hashes single messages with one kernel at every level, and slowly.
        let isSlow = Poseidon2Tests.hashes.contains(hash)
        let lengths =
            isSlow
            ? [0, 1, 30, 31, 62, 500]
            : Array(0...140) + [271, 272, 273, 1023, 1024, 1025, 2047, 2048, 2049, 3000, 5000]
                + (4...40).map { 1024 * $0 }
                + (4...40).map { 1024 * $0 + 1 } + [
                    65_536, 65_537, 100_000, 262_143, 262_144, 262_145, 278_528, 278_529, 300_001, 524_288, 524_289,
                    1 << 20,
                ]
        let data = random.bytes(1 << 20)
        let expected = HashKernels.portable {
            lengths.map { hash.hash(Array(data[..<$0])) }
        }
        HashKernels.atEveryLevel(hash) { level in
            for (length, digest) in zip(lengths, expected) {
                #expect(hash.hash(Array(data[..<length])) == digest, "\(level), length \(length)")
            }
        }
    }

    @Test(arguments: HashFunction.allCases) func rows(_ hash: HashFunction) {
        var random = Seeded(state: 3)
        let lengths =
            [
                0, 1, 31, 32, 48, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, 135, 136, 137, 271, 272, 273, 500, 1023,
                1024, 1025, 2048, 3000, 4097, 5000, 8192, 9000, 16_384, 17_000,
            ].filter { !Poseidon2Tests.hashes.contains(hash) || $0 < 300 } + [29, 30, 60, 61, 62, 93, 124]
        for length in lengths {
            let data = random.bytes(100 * length)
            let expected = HashKernels.portable {
                (0..<100).map { hash.hash(Array(data[length * $0..<length * ($0 + 1)])) }
            }
            HashKernels.atEveryLevel(hash) { level in
                for count in Array(0...33) + [100] {
                    let digests = HashKernels.rows(hash, data, rowBytes: length, rowCount: count)
                    #expect(digests == Array(expected[..<count]), "\(level), \(count) rows of \(length)")
                }
            }
        }
    }

    @Test(arguments: HashFunction.allCases) func pairs(_ hash: HashFunction) {
        var random = Seeded(state: 4)
        let nodes = (0..<20_000).map { _ in random.digest() }
        let most = Poseidon2Tests.hashes.contains(hash) ? 2049 : 10_000
        let counts = Array(0...70) + [100, 1000, 2048, 2049, most]
        func parents(_ count: Int) -> [Digest] { HashKernels.parents(hash, nodes, count) }
        let expected = HashKernels.portable { parents(most) }
        HashKernels.atEveryLevel(hash) { level in
            for count in counts {
                #expect(parents(count) == Array(expected[..<count]), "\(level), \(count) pairs")
            }
        }
    }

    /// Nodes of canonical elements, nearly all ends of their range, with one in some pairs that is not canonical.
    @Test(arguments: Poseidon2Tests.hashes) func pairsOfElementsAtTheEdges(_ hash: HashFunction) {
        var random = Seeded(state: 6)
        let modulus: [UInt64] =
            switch hash {
            case .poseidon2M31: [0x7fff_ffff]
            case .poseidon2Goldilocks: [0xffff_ffff_0000_0001]
            default: [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029]
            }
        let size = hash == .poseidon2M31 ? 4 : 8 * modulus.count
        /// The modulus plus -1, 0 or 1, which changes no word but the lowest.
        func nearModulus(_ offset: Int) -> [UInt8] {
            var words = modulus
            words[0] = words[0] &+ UInt64(bitPattern: Int64(offset))
            return Array(words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }[..<size])
        }
        func number(_ value: UInt8) -> [UInt8] { [value] + [UInt8](repeating: 0, count: size - 1) }
        let canonical = [number(0), number(1), nearModulus(-1)]
        let others = [nearModulus(0), nearModulus(1), [UInt8](repeating: 255, count: size)]
        func element() -> [UInt8] {
            let choice = Int(random.bytes(1)[0])
            if choice == 0 { return others[Int(random.bytes(1)[0]) % 3] }
            if choice < 192 { return canonical[choice % 3] }
            var bytes = random.bytes(size)
            bytes[size - 1] &= 0x1f
            return bytes
        }
        let nodes = (0..<1200).map { _ in Digest(bytes: (0..<32 / size).flatMap { _ in element() })! }
        func parents() -> [Digest] { HashKernels.parents(hash, nodes, 600) }
        let expected = HashKernels.portable { parents() }
        for i in stride(from: 0, to: 600, by: 60) {
            #expect(expected[i] == Reference.node(hash, nodes[2 * i], nodes[2 * i + 1]))
        }
        HashKernels.atEveryLevel(hash) { level in #expect(parents() == expected, "\(level)") }
    }

    /// Neither alignment nor the split between threads matters.
    @Test(arguments: HashFunction.allCases) func unalignedRows(_ hash: HashFunction) {
        var random = Seeded(state: 5)
        let data = random.bytes(77 * 5000 + 3)
        let shifted = Array(data[3...])
        var digests = [Digest](repeating: .zero, count: 5000)
        data.withUnsafeBytes { hash.hashRows($0.baseAddress! + 3, rowBytes: 77, rowCount: 5000, into: &digests) }
        for i in stride(from: 0, to: 5000, by: 7) {
            #expect(digests[i] == hash.hash(Array(shifted[77 * i..<77 * (i + 1)])))
        }
    }
}
