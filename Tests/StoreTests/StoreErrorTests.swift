import Blobs
import Store
import Testing

@Suite
struct StoreErrorTests {
    @Test func `names no more of an address than a log may have`() throws {
        let one = try #require(BlobAddress(hex: String(repeating: "1f", count: 32)))
        let two = try #require(BlobAddress(hex: String(repeating: "2e", count: 32)))
        let text = StoreError.digestMismatch(announced: one, actual: two).description
        #expect(text == "the bytes have the address 2e2e2e2e…, not 1f1f1f1f…")
    }
}
