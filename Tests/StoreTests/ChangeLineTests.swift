import Blobs
import Store
import Testing

@Suite struct ChangeLineTests {
    private static let epoch: UInt64 = 0x9f3c_0000_0000_00ab

    @Test(
        arguments: [
            ("at 9f3c0000000000ab-0", .at(ChangePosition(epoch: epoch, number: 0))),
            ("at 0000000000000000-7", .at(ChangePosition(epoch: 0, number: 7))),
            ("lost ffffffffffffffff-9223372036854775807", .lost(ChangePosition(epoch: .max, number: .max))),
            ("c 1 000000000000", .change(number: 1, AddressPrefix(hex: "000000000000"))),
            ("c 1842 3fa9c1d2e07b", .change(number: 1842, AddressPrefix(hex: "3fa9c1d2e07b"))),
            ("c 9223372036854775807 ffffffffffff", .change(number: .max, AddressPrefix(hex: "ffffffffffff"))),
            ("t 0", .tick(number: 0)), ("t 1842", .tick(number: 1842)),
        ] as [(String, Example)])
    func `a line is read and written in one way`(text: String, example: Example) throws {
        let line = try #require(example.line)
        #expect(ChangeLine.parse(text) == line && line.text == text)
        #expect(text.utf8.count <= ChangeLine.limitBytes)
    }

    /// A line whose prefix may have been misspelt here.
    enum Example: Sendable {
        case at(ChangePosition), lost(ChangePosition), change(number: Int64, AddressPrefix?), tick(number: Int64)

        var line: ChangeLine? {
            switch self {
            case .at(let position): .at(position)
            case .lost(let position): .lost(position)
            case .change(let number, let prefix): prefix.map { .change(number: number, $0) }
            case .tick(let number): .tick(number: number)
            }
        }
    }

    @Test func `the longest line is as long as is said`() {
        #expect(ChangeLine.lost(ChangePosition(epoch: .max, number: .max)).text.utf8.count == ChangeLine.limitBytes)
    }

    @Test(arguments: [
        "", " ", "x", "at", "at ", "t", "t ", "c", "c 1", "lost",
        "at 9f3c0000000000ab", "at 9f3c0000000000ab-", "at -1", "at 9f3c0000000000a-1", "at 9f3c0000000000abc-1",
        "at 9F3C0000000000AB-1",  // capitals
        "at 9f3c0000000000ab-01", "t 00", "t 01", "c 01 3fa9c1d2e07b",  // zeros in front
        "at 9f3c0000000000ab--1", "t -1", "t +1", "t 1.0", "t 0x1", "t 1e3", "t ١",
        "t 9223372036854775808", "t 99999999999999999999", "at 9f3c0000000000ab-9223372036854775808",  // too large
        "c 0 3fa9c1d2e07b",  // the first change is number 1
        "c 1 3fa9c1d2e07", "c 1 3fa9c1d2e07b0", "c 1 3fa9c1d2e07B", "c 1 3fa9c1d2e0 b", "c 3fa9c1d2e07b 1",
        " t 1", "t  1", "t 1 ", "t 1\n", "t 1\r", "t\t1", "T 1", "c 1 3fa9c1d2e07b t 1", "at 9f3c0000000000ab-1 2",
        "t 1\u{0}", "c 1 \u{301}3fa9c1d2e07b", "tick 1",
    ])
    func `everything else is no line`(text: String) {
        #expect(ChangeLine.parse(text) == nil, "\(text.debugDescription)")
    }

    @Test func `a prefix is the first six bytes of an address`() throws {
        let address = try #require(BlobAddress(hex: "3fa9c1d2e07b" + String(repeating: "5", count: 52)))
        #expect(AddressPrefix(address).description == "3fa9c1d2e07b")
        #expect(AddressPrefix(address) == AddressPrefix(hex: "3fa9c1d2e07b"))
        #expect(AddressPrefix(bits: 0x3fa9_c1d2_e07b) == AddressPrefix(address))
        #expect(AddressPrefix(bits: 1 << 48) == nil && AddressPrefix(bits: 1 << 48 - 1)?.description == "ffffffffffff")
    }
}
