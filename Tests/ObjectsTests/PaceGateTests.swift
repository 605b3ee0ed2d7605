import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Objects

@Suite struct PaceGateTests {
    private let gate = PaceGate(limit: 2, clocks: MultiThreadedEventLoopGroup.singleton)
    private let never = NIODeadline.now() + .hours(1)

    @Test func `those who wait come in order`() async throws {
        let first = try #require(await gate.enter(before: never))
        let second = try #require(await gate.enter(before: never))
        let third = Task { [gate, never] in await gate.enter(before: never) }
        try await eventually { gate.waitingCount == 1 }
        let fourth = Task { [gate, never] in await gate.enter(before: never) }
        try await eventually { gate.waitingCount == 2 }
        gate.leave(first, wasOverloaded: false)
        #expect(await third.value != nil)
        #expect(gate.waitingCount == 1)
        gate.leave(second, wasOverloaded: false)
        #expect(await fourth.value != nil)
    }

    @Test func `who is cancelled, or waits too long, has no turn, and takes none from others`() async throws {
        _ = await gate.enter(before: never)
        let second = try #require(await gate.enter(before: never))
        let cancelled = Task { [gate, never] in await gate.enter(before: never) }
        try await eventually { gate.waitingCount == 1 }
        cancelled.cancel()
        #expect(await cancelled.value == nil)
        #expect(await gate.enter(before: .now() + .milliseconds(1)) == nil)
        #expect(await gate.enter(before: .now() - .seconds(1)) == nil)
        #expect(gate.waitingCount == 0)
        gate.leave(second, wasOverloaded: false)
        #expect(await gate.enter(before: never) != nil)
    }

    @Test func `nobody waits at a gate that is closed`() async throws {
        _ = await gate.enter(before: never)
        _ = await gate.enter(before: never)
        let waiting = Task { [gate, never] in await gate.enter(before: never) }
        try await eventually { gate.waitingCount == 1 }
        gate.close()
        #expect(await waiting.value == nil)
        #expect(await gate.enter(before: never) == nil)
    }
}
