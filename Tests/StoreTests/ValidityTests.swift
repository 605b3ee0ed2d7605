import Blobs
import Store
import Synchronization
import Testing

@Suite struct ValidityTests {
    private static func address(_ first: UInt8, _ second: UInt8, _ third: UInt8 = 7) -> BlobAddress {
        guard let address = BlobAddress(bytes: [first, second, third] + Array(repeating: 7, count: 29)) else {
            preconditionFailure("32 bytes are an address")
        }
        return address
    }

    @Test func `a token is current until something changes about its address`() {
        let generations = GenerationTable()
        let address = Self.address(1, 2)
        let before = generations.token(for: address)
        #expect(before.isCurrent)
        generations.advance(address)
        #expect(!before.isCurrent)
        #expect(generations.token(for: address).isCurrent)
        generations.advance(address)
        #expect(!before.isCurrent, "what ended stays ended")
    }

    @Test func `a token of two stores ends with a change in either, and with the horizon of the first alone`() {
        let address = Self.address(1, 2)
        let (own, other) = (GenerationTable(), GenerationTable(horizon: Horizon()))
        func token() -> ValidityToken { own.token(for: address).and(changesOf: other.token(for: address)) }
        let first = token()
        #expect(first.isCurrent, "the other one is heard of by whoever looked there")
        other.advance(address)
        #expect(!first.isCurrent)
        let second = token()
        other.advance(Self.address(2, 1))
        #expect(second.isCurrent)
        own.advance(address)
        #expect(!second.isCurrent)
        #expect(!other.token(for: address).and(changesOf: own.token(for: address)).isCurrent)
    }

    @Test func `changes of other addresses leave it alone`() {
        let generations = GenerationTable()
        let token = generations.token(for: Self.address(1, 2))
        for (first, second) in [(1, 3), (2, 2), (0, 0), (255, 255)] as [(UInt8, UInt8)] {
            generations.advance(Self.address(first, second))
        }
        for third in [0x10, 0x80, 0xff] as [UInt8] { generations.advance(Self.address(1, 2, third)) }
        #expect(token.isCurrent)
    }

    @Test(arguments: [(1, 2, 7), (0, 0, 0), (255, 255, 255), (128, 1, 0xf0)] as [(UInt8, UInt8, UInt8)])
    func `a change that is known by the beginning of its address ends the same tokens`(
        first: UInt8, second: UInt8, third: UInt8
    ) {
        let generations = GenerationTable()
        let address = Self.address(first, second, third)
        let token = generations.token(for: address)
        let others = [Self.address(first ^ 1, second, third), Self.address(first, second ^ 1, third)]
            .map { generations.token(for: $0) }
        let sameSlot = generations.token(for: Self.address(first, second, third ^ 1))
        generations.advance(AddressPrefix(address))
        #expect(!token.isCurrent && !sameSlot.isCurrent)
        #expect(others.allSatisfy { $0.isCurrent })
    }

    @Test func `tokens that many take at once, the first of all, end with one change`() async {
        for round: UInt8 in 0..<20 {
            let generations = GenerationTable()
            let address = Self.address(round, 1)
            let tokens = await withTaskGroup(of: ValidityToken.self) { group in
                for _ in 0..<8 { group.addTask { generations.token(for: address) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            if round.isMultiple(of: 2) { generations.advance(address) } else { generations.advanceAll() }
            #expect(tokens.allSatisfy { !$0.isCurrent })
        }
    }

    @Test func `a token is current only while its store has heard from the truth not long ago`() {
        let clock = SteppedClock()
        let horizon = Horizon { clock.now }
        let generations = GenerationTable(horizon: horizon)
        let (kept, changed) = (Self.address(1, 2), Self.address(3, 4))
        let tokens = [kept, changed].map { generations.token(for: $0) }
        #expect(!tokens[0].isCurrent, "nothing has been heard yet")
        horizon.extend(to: clock.now + .seconds(2))
        #expect(tokens[0].isCurrent)
        clock.advance(by: .seconds(1))
        horizon.extend(to: clock.now + .milliseconds(500))
        #expect(tokens[0].isCurrent, "a horizon does not move back")
        clock.advance(by: .seconds(1))
        #expect(horizon.hasPassed && !tokens[0].isCurrent)
        generations.advance(changed)
        horizon.extend(to: clock.now + .seconds(2))
        #expect(tokens[0].isCurrent && !tokens[1].isCurrent, "what changed meanwhile is known when the horizon moves")
        horizon.extend(to: clock.now + .seconds(Int64(1) << 62))
        clock.advance(by: .seconds(1_000_000_000))
        #expect(tokens[0].isCurrent)
    }
}

/// A monotonic clock that a test moves.
private final class SteppedClock: Sendable {
    private let moment = Mutex(ContinuousClock.now)

    var now: ContinuousClock.Instant { moment.withLock { $0 } }

    func advance(by duration: Duration) { moment.withLock { $0 += duration } }
}
