import Blobs
import Store
import Testing

@Suite struct StandingTests {
    private static func address(_ first: UInt8, _ second: UInt8, _ third: UInt8 = 7) -> BlobAddress {
        guard let address = BlobAddress(bytes: [first, second, third] + Array(repeating: 7, count: 29)) else {
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
        for third in [0x10, 0x80, 0xff] as [UInt8] { standings.end(Self.address(1, 2, third)) }
        #expect(standing.isCurrent)
    }
}
