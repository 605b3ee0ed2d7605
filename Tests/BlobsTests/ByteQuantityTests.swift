import Blobs
import Testing

@Suite
struct ByteQuantityTests {
    @Test(
        arguments: [
            ("0", 0), ("1000", 1000), ("512KiB", 524_288), ("1MiB", 1_048_576), ("2GiB", 2_147_483_648),
            ("1TiB", 1_099_511_627_776),
        ] as [(String, Int64)])
    func `digits, perhaps with a unit`(text: String, count: Int64) {
        #expect(ByteQuantity.parse(text) == count)
        #expect(ByteQuantity.text(count) == text)
    }

    @Test(arguments: ["", "MiB", "-1", "1.5MiB", "1 MiB", "1M", "9999999TiB"])
    func `nothing else, and nothing that overflows`(text: String) { #expect(ByteQuantity.parse(text) == nil) }
}
