import Testing

@testable import Cage

/// What is said between a caged process and its parent.
@Suite struct CageMessageTests {
    private static let header = CageHeader(
        width: 4032, height: 3024, components: 4, primaries: 12, transfer: 13, profile: [1, 2, 3])

    @Test(arguments: [
        CageMessage.fine, .header(header.bytes), .failure(CageFailure(.forbiddenCall, number: 257)),
        .failure(CageFailure(.damaged, text: "a bad marker")),
    ])
    func `a message is read as it was written`(message: CageMessage) throws {
        let bytes = message.bytes
        let (kind, count) = try #require(CageMessage.start(Array(bytes.prefix(CageMessage.startBytes))))
        #expect(count == bytes.count - CageMessage.startBytes)
        #expect(CageMessage(kind: kind, Array(bytes.dropFirst(CageMessage.startBytes))) == message)
    }

    @Test func `a header is read as it was written`() {
        #expect(CageHeader(Self.header.bytes[...], pixelLimit: CageLimits.pixelLimit) == Self.header)
    }

    @Test(arguments: [
        (CageHeader(width: 0, height: 1, components: 3), "no pixels across"),
        (CageHeader(width: 1, height: 0, components: 3), "no pixels down"),
        (CageHeader(width: 65_536, height: 1, components: 3), "an edge that no JPEG has"),
        (CageHeader(width: 20_000, height: 20_000, components: 3), "too many pixels"),
        (CageHeader(width: 1, height: 1, components: 2), "components that no decoder gives"),
    ])
    func `a header that no decoder may say is refused`(header: CageHeader, reason: String) {
        #expect(CageHeader(header.bytes[...], pixelLimit: CageLimits.pixelLimit) == nil, "\(reason)")
    }

    @Test func `a header that is cut short is refused`() {
        for count in 0..<13 {
            #expect(CageHeader(Self.header.bytes.prefix(count), pixelLimit: CageLimits.pixelLimit) == nil)
        }
    }

    @Test(
        arguments: [
            [0x58, 0, 0, 0, 0], [0x45, 1, 0, 0, 0], [0x48, 0xFF, 0xFF, 0xFF, 0x7F], [0x46, 1, 2, 0, 0],
            [0x45, 0, 0, 0],
        ] as [[UInt8]])
    func `what no message begins with is refused`(start: [UInt8]) { #expect(CageMessage.start(start) == nil) }

    @Test func `a failure brings nothing to a terminal but text`() {
        let failure = CageFailure(.damaged, text: "a\u{1B}[2J\u{7}b\nc\u{9B}")
        #expect(failure.text == "a[2Jbc")
        #expect(CageFailure(.damaged, text: String(repeating: "x", count: 1000)).text.count == 200)
    }

    @Test(arguments: [
        (1, 1, (256 << 20) + 10), (4000, 3000, (256 << 20) + 120_000_000), (20_000, 20_000, 5 << 28),
        (-1, Int.max, 5 << 28),
    ])
    func `memory follows the size of the picture, up to an end`(width: Int, height: Int, most: Int) {
        #expect(CageLimits(width: width, height: height).memoryBytes <= 5 << 28)
        #expect(CageLimits(width: width, height: height).memoryBytes > 256 << 20)
        #expect(CageLimits(width: width, height: height).memoryBytes <= most)
    }
}
