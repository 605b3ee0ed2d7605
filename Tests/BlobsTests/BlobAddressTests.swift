import Blobs
import Testing

@Suite
struct BlobAddressTests {
    static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    static let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    /// The examples of FIPS 180-4 as NIST publishes them.
    @Test func `is the SHA-256 of the bytes, in whatever pieces they come`() {
        var hasher = BlobHasher()
        #expect(hasher.address().hex == Self.empty)
        update(&hasher, "a")
        update(&hasher, "")
        update(&hasher, "bc")
        #expect(hasher.address().hex == Self.abc)
        #expect(hasher.address().hex == Self.abc, "asking changes nothing")
        var other = BlobHasher()
        for _ in 0..<1000 { update(&other, String(repeating: "a", count: 1000)) }
        #expect(other.address().hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `is read from 64 lower-case digits`() throws {
        let address = try #require(BlobAddress(hex: Self.abc))
        #expect(address.description == Self.abc && address.shard == "ba" && address.abbreviated == "ba7816bf")
        #expect(BlobAddress(bytes: address.bytes) == address)
        let smaller = try #require(BlobAddress(hex: String(repeating: "0", count: 64)))
        #expect(smaller < address && !(address < smaller) && !(address < address))
    }

    @Test(arguments: [
        "", "ba", abc.uppercased(), String(abc.dropLast()), abc + "0", " " + abc, abc + "\n",
        "../" + abc.dropFirst(3),
    ])
    func `is not read from anything else`(_ text: String) {
        #expect(BlobAddress(hex: text) == nil)
    }

    @Test(arguments: [0, 31, 33])
    func `has 32 bytes`(_ count: Int) {
        #expect(BlobAddress(bytes: [UInt8](repeating: 0, count: count)) == nil)
    }

    private func update(_ hasher: inout BlobHasher, _ text: String) {
        let bytes = Array(text.utf8)
        // Safe: bytes have no padding that could be seen uninitialised.
        hasher.update(unsafe bytes.span.bytes)
    }
}

@Suite
struct SecretTests {
    @Test func `is read back from its 22 characters, and its hash from 43`() throws {
        let secret = Secret.random()
        #expect(secret.base64url.utf8.count == 22)
        #expect(Secret(base64url: secret.base64url)?.bytes == secret.bytes)
        #expect(secret.hash.base64url.utf8.count == 43)
        #expect(SecretHash(base64url: secret.hash.base64url) == secret.hash)
        #expect(Secret.random().hash != secret.hash)
    }

    @Test func `is known to the server as its SHA-256 alone`() throws {
        let secret = try #require(Secret(bytes: [UInt8](repeating: 0, count: 16)))
        let expected = "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb"
        #expect(Hexadecimal.encode(secret.hash.bytes) == expected)
    }

    @Test func `is not shown when it is described`() {
        let secret = Secret.random()
        #expect("\(secret)" == "secret")
    }

    @Test(arguments: ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA=="])
    func `has 16 bytes`(_ text: String) {
        #expect(Secret(base64url: text) == nil)
    }
}
