import StoreRules
import Testing

@testable import SharedStore

@Suite struct SmallPartsTests {
    private static let limit = SmallParts.limitBytes

    @Test(
        arguments: [
            ([], 1, 0), (Array(repeating: 1, count: 14), 1, 0), (Array(repeating: 1, count: 15), 1, 15),
            (Array(repeating: 1, count: 40), 1, 15), (Array(repeating: 1, count: 15), limit, 0),
            (Array(repeating: limit - 1, count: 15), limit - 1, 15),
            ([limit] + Array(repeating: 1, count: 14), 1, 0), ([limit] + Array(repeating: 1, count: 15), 1, 15),
        ] as [([Int64], Int64, Int)])
    func `sixteen small objects in a row become one`(sizes: [Int64], next: Int64, count: Int) {
        #expect(SmallParts.before(next, in: sizes) == count)
    }

    @Test func `sixteen of the largest small ones fit into one object`() {
        #expect(SmallParts.count * (Self.limit - 1) <= ObjectRow.limitBytes)
    }

    /// A client that sends byte by byte: how many objects there are in the end, and how many bytes were written for it.
    @Test func `a client that sends byte by byte costs a few objects and some copies`() {
        var (sizes, written): ([Int64], Int64) = ([], 0)
        for _ in 0..<10_000 {
            let count = SmallParts.before(1, in: sizes)
            let merged = sizes.suffix(count).reduce(1, +)
            sizes.removeLast(count)
            sizes.append(merged)
            written += merged
        }
        #expect(sizes.reduce(0, +) == 10_000 && sizes.count <= 16)
        #expect(written < 10_000 * 400)
    }
}
