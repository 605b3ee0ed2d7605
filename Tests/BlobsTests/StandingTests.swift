import Blobs
import Testing

@Suite struct StandingTests {
    private static func address(_ first: UInt8, _ second: UInt8) -> BlobAddress {
        guard let address = BlobAddress(bytes: [first, second] + Array(repeating: 7, count: 30)) else {
            preconditionFailure("32 bytes are an address")
        }
        return address
    }

    @Test func `a standing is current until something changes about its address`() {
        let standings = Standings()
        let address = Self.address(1, 2)
        let before = standings.standing(of: address)
        #expect(before.isCurrent)
        standings.end(address)
        #expect(!before.isCurrent)
        #expect(standings.standing(of: address).isCurrent)
        standings.end(address)
        #expect(!before.isCurrent, "what ended stays ended")
    }

    @Test func `changes of other addresses leave it alone`() {
        let standings = Standings()
        let standing = standings.standing(of: Self.address(1, 2))
        for (first, second) in [(1, 3), (2, 2), (0, 0), (255, 255)] as [(UInt8, UInt8)] {
            standings.end(Self.address(first, second))
        }
        #expect(standing.isCurrent)
    }
}
