import Blobs
import Testing

@Suite
struct ByteRangeTests {
    @Test(
        arguments: [
            (-1, 1, 10), (0, 0, 10), (0, -1, 10), (10, 1, 10), (9, 2, 10), (0, 11, 10), (0, 1, 0),
            (1, .max, .max), (.max, 1, .max), (.max, .max, .max), (.min, .max, 10),
        ] as [(Int64, Int64, Int64)])
    func `lies within its blob and is not empty`(_ offset: Int64, _ count: Int64, _ size: Int64) {
        #expect(ByteRange(offset: offset, count: count, within: size) == nil)
    }

    @Test func `knows its ends`() throws {
        let range = try #require(ByteRange(offset: 9, count: 1, within: 10))
        #expect(range.last == 9 && range.end == 10)
        let whole = try #require(ByteRange(offset: 0, count: .max, within: .max))
        #expect(whole.last == .max - 1 && whole.end == .max)
    }
}

@Suite
struct TimeTests {
    @Test(
        arguments: [
            ("30d", 2_592_000, "30d"), ("90m", 5400, "90m"), ("60m", 3600, "1h"), ("48h", 172_800, "2d"),
            ("2w", 1_209_600, "14d"), ("1y", 31_536_000, "365d"),
            ("45s", 45, "45s"), ("45", 45, "45s"), ("86400", 86_400, "1d"), ("007d", 604_800, "7d"),
        ] as [(String, Int64, String)])
    func `spans are read as people write them, and written as short as can be`(
        _ text: String, _ seconds: Int64, _ written: String
    ) throws {
        let lifetime = try #require(Lifetime(text))
        #expect(lifetime.seconds == seconds)
        #expect(lifetime.description == written)
    }

    @Test(arguments: [
        "", "0", "0d", "-1d", "+1d", "1.5h", "d", "1j", "1 d", " 1d", "1d ", "1D", "1dd", "٣d",
        "9223372036854775807d", "99999999999999999999s",
    ])
    func `spans of nothing, or of nothing known, are refused`(_ text: String) {
        #expect(Lifetime(text) == nil)
    }

    @Test func `never overflows`() throws {
        let lifetime = try #require(Lifetime(seconds: .max))
        #expect(Timestamp(seconds: .max).advanced(by: lifetime).seconds == .max)
        #expect(Timestamp(seconds: 5).advanced(by: Lifetime.days(1)).seconds == 86_405)
        #expect(Timestamp(seconds: .max).secondsSince(Timestamp(seconds: .min)) == .max)
        #expect(Timestamp(seconds: 1).secondsSince(Timestamp(seconds: 2)) == 0)
        #expect(Lifetime(seconds: 0) == nil && Lifetime(seconds: .min) == nil)
    }
}
