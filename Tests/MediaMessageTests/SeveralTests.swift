import MediaMessage
import Testing

@Suite
struct SeveralTests {
    private static let first = Sample.json()
    private static let second = Sample.json([("media", #"{"type":"image/jpeg","size":182345}"#)])
    private static let link = "https://media.example/open/\(Sample.hex)#v=1&k=\(Sample.key)&s=5244224&n=5&t=x/y"
    private static let sizes: [Int64] = [182_344, 182_345, 5]

    /// Texts, and how many messages they have.
    private static let texts: [(String, Int)] = [
        (first, 1), (" \n\n\(first)\n", 1), ("\u{feff}\(first)", 1), ("\u{feff}\(first)\r\n\(second)", 2),
        ("\(first)\n\n\t\(second)\n\(link)\n", 3), (first.replacing(",\"", with: ",\n  \""), 1),
    ]

    @Test(arguments: texts)
    func `one on each line, or one on several lines, with or without a byte-order mark`(text: String, count: Int) throws
    {
        let messages = try MediaMessage.readAll(Array(text.utf8))
        #expect(messages.map(\.media.size) == Array(Self.sizes.prefix(count)))
    }

    @Test(
        arguments: [
            ([], MessageError.empty), (Array(" \r\n\t".utf8), .empty), ([0xEF, 0xBB, 0xBF], .empty),
            ([0xFF, 0xFE, 0x7B, 0], .encoding("is UTF-16; save it as UTF-8")),
            ([0xFE, 0xFF, 0, 0x7B], .encoding("is UTF-16; save it as UTF-8")),
            ([0x7B, 0, 0x22, 0], .encoding("is UTF-16; save it as UTF-8")),
            ([0, 0x7B, 0, 0x22], .encoding("is UTF-16; save it as UTF-8")),
            ([0xFF, 0xD8, 0xFF], .encoding("is not UTF-8")),
        ] as [([UInt8], MessageError)])
    func `what is no text has its own sentence`(bytes: [UInt8], expected: MessageError) {
        let error = #expect(throws: MessageError.self) { try MediaMessage.readAll(bytes) }
        #expect(error == expected)
    }

    @Test func `one that is wrong spoils all`() {
        #expect(throws: MessageError.self) { try MediaMessage.readAll(Array("\(Self.first)\n{\"v\":2}".utf8)) }
        #expect(throws: MessageError.self) { try MediaMessage.readAll(Array("\(Self.first) \(Self.second)".utf8)) }
    }
}
