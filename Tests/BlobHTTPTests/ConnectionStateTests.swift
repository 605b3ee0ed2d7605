import BlobHTTP
import NIOCore
import Testing

@Suite struct ConnectionStateTests {
    private static let limits: ConnectionLimits = {
        var limits = ConnectionLimits()
        limits.headerTimeout = .seconds(10)
        limits.idleTimeout = .seconds(75)
        limits.uploadBytesPerSecond = 1000
        limits.uploadPatience = .seconds(60)
        limits.writeTimeout = .seconds(30)
        limits.downloadBytesPerSecond = 100
        limits.drainBytes = 1000
        limits.longestDrain = .seconds(30)
        limits.drainTimeout = .seconds(2)
        return limits
    }()

    private static func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1 << 40) + .seconds(seconds) }

    private func fresh() -> ConnectionState { ConnectionState(limits: Self.limits, now: Self.at(0)) }

    /// A connection on which one request has been read to its end.
    private func answering(keepsAlive: Bool = true, isHTTP10: Bool = false) -> ConnectionState {
        var state = fresh()
        _ = state.receive(100, now: Self.at(0))
        state.beginRequest(keepsAlive: keepsAlive, isHTTP10: isHTTP10, expectsContinue: false, now: Self.at(0))
        state.endRequest(now: Self.at(0))
        return state
    }

    @Test func `a connection is kept after an ordinary answer, and closed when it has been idle too long`() {
        var state = answering()
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(1)) == .keepAlive(isHTTP10: false))
        #expect(state.endAnswer(now: Self.at(2)) == .keepOpen)
        #expect(state.deadline(now: Self.at(2)) == Self.at(31), "it is time to see whether the answer has left")
        #expect(state.expire(now: Self.at(31), sentBytes: 100, waitingBytes: 0) == .none)
        #expect(state.deadline(now: Self.at(31)) == Self.at(77))
        #expect(state.expire(now: Self.at(76), sentBytes: 0, waitingBytes: 0) == .none)
        #expect(state.expire(now: Self.at(77), sentBytes: 0, waitingBytes: 0) == .close)
    }

    @Test func `a client of HTTP/1.0 that asked for it is told that the connection stays`() {
        var state = answering(isHTTP10: true)
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .keepAlive(isHTTP10: true))
    }

    @Test func `an answer that begins before its request has ended is the last`() {
        var state = fresh()
        state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: true, now: Self.at(0))
        #expect(state.awaitsContinue)
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .close)
        #expect(!state.awaitsContinue)
        #expect(state.reading == .over)
        #expect(state.receive(500, now: Self.at(0)) == .discard)
        #expect(state.endAnswer(now: Self.at(0)) == .linger)
    }

    @Test func `what comes after the last answer is thrown away for as long as it comes, up to half a minute`() {
        var state = answering(keepsAlive: false)
        _ = state.beginAnswer(asksToClose: false, now: Self.at(0))
        _ = state.endAnswer(now: Self.at(0))
        state.linger(now: Self.at(0))
        for second in Int64(1)..<30 {
            #expect(state.expire(now: Self.at(second), sentBytes: 0, waitingBytes: 0) == .none)
            #expect(state.receive(1, now: Self.at(second)) == .discard)
            #expect(state.deadline(now: Self.at(second)) == Self.at(min(second + 2, 30)))
        }
        #expect(state.expire(now: Self.at(30), sentBytes: 0, waitingBytes: 0) == .close)
    }

    @Test func `what comes after the last answer is thrown away, up to a number of bytes and a time`() {
        var state = answering(keepsAlive: false)
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .close)
        #expect(state.endAnswer(now: Self.at(0)) == .linger)
        state.linger(now: Self.at(5))
        #expect(state.receive(1000, now: Self.at(5)) == .discard)
        #expect(state.receive(1, now: Self.at(5)) == .close)
        #expect(state.deadline(now: Self.at(5)) == Self.at(7))
        #expect(state.expire(now: Self.at(6), sentBytes: 0, waitingBytes: 0) == .none)
        #expect(state.expire(now: Self.at(7), sentBytes: 0, waitingBytes: 0) == .close)
    }

    @Test func `nothing is written to a connection that has had its last answer`() {
        var state = answering(keepsAlive: false)
        _ = state.beginAnswer(asksToClose: false, now: Self.at(0))
        _ = state.endAnswer(now: Self.at(0))
        state.linger(now: Self.at(0))
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .none)
    }

    @Test func `only one failure is handed on, and none after the last request`() {
        var reading = fresh()
        _ = reading.receive(10, now: Self.at(0))
        #expect(reading.fail() == .refuse)
        #expect(reading.fail() == .ignore)
        var body = fresh()
        body.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
        #expect(body.fail() == .raise)
        var last = answering(keepsAlive: false)
        #expect(last.fail() == .ignore)
    }

    @Test func `a header has its time from its first byte, however the bytes trickle`() {
        var state = fresh()
        _ = state.receive(1, now: Self.at(20))
        for second in 21..<30 { _ = state.receive(1, now: Self.at(Int64(second))) }
        #expect(state.deadline(now: Self.at(29)) == Self.at(30))
        #expect(state.expire(now: Self.at(29), sentBytes: 0, waitingBytes: 0) == .none)
        #expect(state.expire(now: Self.at(30), sentBytes: 0, waitingBytes: 0) == .fail(.slowHeader))
    }

    @Test func `an upload at the lowest speed goes on for ever, below it the patience ends`() {
        for (bytesPerSecond, survives) in [(1000, true), (2000, true), (500, false), (1, false)] {
            var state = fresh()
            state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
            var expired = false
            for second in 1...600 where !expired {
                state.awaitBytes(now: Self.at(Int64(second) - 1))
                expired =
                    state.expire(now: Self.at(Int64(second)), sentBytes: 0, waitingBytes: 0) == .fail(.slowBody)
                _ = state.receive(bytesPerSecond, now: Self.at(Int64(second)))
            }
            #expect(expired == !survives, "\(bytesPerSecond) bytes a second")
        }
    }

    @Test func `while the server is behind, the client is not blamed`() {
        var state = fresh()
        state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
        state.awaitBytes(now: Self.at(0))
        _ = state.receive(10, now: Self.at(1))
        #expect(state.expire(now: Self.at(1000), sentBytes: 0, waitingBytes: 0) == .none)
    }

    /// Looks every so many seconds at a client that takes so many bytes a second; when it was given up, if it was.
    private func end(of state: inout ConnectionState, bytesPerSecond: Int64, every seconds: Int64, from: Int64 = 0)
        -> Int64?
    {
        for second in stride(from: from + seconds, through: from + 6000, by: Int(seconds)) {
            let sent = (second - from) * bytesPerSecond
            if state.expire(now: Self.at(second), sentBytes: sent, waitingBytes: 5000) == .close { return second }
        }
        return nil
    }

    @Test func `an answer that makes no progress is given up, so is one that crawls, and a slow one is not`() {
        for (bytesPerSecond, survives) in [(0, false), (1, false), (90, false), (100, true), (1000, true)] {
            for seconds: Int64 in [1, 20, 30] {
                var state = answering()
                _ = state.beginAnswer(asksToClose: false, now: Self.at(0))
                let end = end(of: &state, bytesPerSecond: Int64(bytesPerSecond), every: seconds)
                #expect((end == nil) == survives, "\(bytesPerSecond) bytes a second, seen every \(seconds) s")
            }
        }
    }

    @Test func `without a lowest speed any byte is enough`() {
        var limits = Self.limits
        limits.downloadBytesPerSecond = 0
        var state = ConnectionState(limits: limits, now: Self.at(0))
        state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
        _ = state.beginAnswer(asksToClose: false, now: Self.at(0))
        #expect(end(of: &state, bytesPerSecond: 1, every: 29) == nil)
        #expect(state.expire(now: Self.at(7000), sentBytes: 5974, waitingBytes: 5000) == .close)
    }

    @Test func `the clock runs for whatever waits for the client: between answers, and after the last`() {
        var between = answering()
        between.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
        between.endRequest(now: Self.at(0))
        var last = answering(keepsAlive: false)
        for var state in [between, answering(), last] {
            _ = state.beginAnswer(asksToClose: false, now: Self.at(1))
            _ = state.endAnswer(now: Self.at(1))
            #expect(state.deadline(now: Self.at(1)) == Self.at(31))
            #expect(state.expire(now: Self.at(31), sentBytes: 0, waitingBytes: 5000) == .close)
        }
        last.linger(now: Self.at(2))
        #expect(last.expire(now: Self.at(3), sentBytes: 0, waitingBytes: 5000) == .none, "what is left was sent")
    }

    @Test func `requests do not wind the clock up while older answers wait`() {
        var state = answering()
        _ = state.beginAnswer(asksToClose: false, now: Self.at(0))
        _ = state.endAnswer(now: Self.at(0))
        #expect(state.expire(now: Self.at(10), sentBytes: 0, waitingBytes: 100) == .none)
        for second: Int64 in 11..<30 {
            state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(second))
            state.endRequest(now: Self.at(second))
            _ = state.beginAnswer(asksToClose: false, now: Self.at(second))
            _ = state.endAnswer(now: Self.at(second))
        }
        #expect(state.deadline(now: Self.at(30)) == Self.at(30))
        #expect(state.expire(now: Self.at(30), sentBytes: 0, waitingBytes: 2000) == .close)
    }

    @Test func `a connection is idle when everything has been taken, not before`() {
        var state = answering()
        _ = state.beginAnswer(asksToClose: false, now: Self.at(0))
        _ = state.endAnswer(now: Self.at(0))
        for second in stride(from: Int64(20), through: 200, by: 20) {
            #expect(state.expire(now: Self.at(second), sentBytes: second * 200, waitingBytes: 100) == .none)
        }
        #expect(state.expire(now: Self.at(210), sentBytes: 50_000, waitingBytes: 0) == .none)
        #expect(state.expire(now: Self.at(275), sentBytes: 50_000, waitingBytes: 0) == .close)
    }

    @Test func `only so many requests are read ahead, and the client is not blamed while nothing is read`() {
        var state = fresh()
        for _ in 0..<ConnectionState.requestsAhead {
            #expect(state.requestRoom > 0)
            _ = state.receive(18, now: Self.at(0))
            state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
            state.endRequest(now: Self.at(0))
        }
        #expect(state.requestRoom == 0)
        _ = state.receive(1, now: Self.at(0))
        state.holdReading()
        #expect(state.expire(now: Self.at(500), sentBytes: 0, waitingBytes: 0) == .none, "the store takes its time")
        state.awaitBytes(now: Self.at(500))
        #expect(state.expire(now: Self.at(509), sentBytes: 0, waitingBytes: 0) == .none)
        #expect(state.expire(now: Self.at(510), sentBytes: 0, waitingBytes: 0) == .fail(.slowHeader))
    }

    @Test func `connections make room before a request is there, not after`() {
        var state = fresh()
        #expect(state.makesRoom(since: Self.at(0)) && !state.makesRoom(since: Self.at(-1)))
        _ = state.receive(1, now: Self.at(5))
        #expect(state.makesRoom(since: Self.at(5)) && !state.makesRoom(since: Self.at(4)), "half a header")
        state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(5))
        #expect(!state.makesRoom(since: Self.at(100)))
    }

    @Test func `a stream waits for its client where bytes do, or where its body has cost half of the patience`() {
        var state = fresh()
        state.beginRequest(keepsAlive: false, isHTTP10: false, expectsContinue: false, now: Self.at(0))
        #expect(state.awaitsClient(waitingBytes: 1, now: Self.at(0)))
        #expect(!state.awaitsClient(waitingBytes: 0, now: Self.at(1000)), "the server is behind")
        state.awaitBytes(now: Self.at(0))
        #expect(!state.awaitsClient(waitingBytes: 0, now: Self.at(29)))
        #expect(state.awaitsClient(waitingBytes: 0, now: Self.at(30)))
    }

    @Test func `a store that takes its time with an answer is not a slow reader`() {
        var state = answering()
        #expect(state.expire(now: Self.at(500), sentBytes: 0, waitingBytes: 0) == .none)
        _ = state.beginAnswer(asksToClose: false, now: Self.at(500))
        #expect(state.expire(now: Self.at(900), sentBytes: 10, waitingBytes: 0) == .none)
    }

    @Test func `at the end of the server idle connections close, others after their answer`() {
        var idle = fresh()
        let closesIdle = idle.quiesce()
        #expect(closesIdle)
        var busy = answering()
        let closesBusy = busy.quiesce()
        #expect(!closesBusy)
        #expect(busy.beginAnswer(asksToClose: false, now: Self.at(0)) == .close)
        #expect(busy.endAnswer(now: Self.at(0)) == .linger)
    }

    @Test func `pipelined requests are answered in turn, and the connection closes after the one that said so`() {
        var state = answering()
        state.beginRequest(keepsAlive: false, isHTTP10: false, expectsContinue: false, now: Self.at(0))
        state.endRequest(now: Self.at(0))
        #expect(state.reading == .over)
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .keepAlive(isHTTP10: false))
        #expect(state.endAnswer(now: Self.at(0)) == .keepOpen)
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .close)
        #expect(state.endAnswer(now: Self.at(0)) == .linger)
    }
}
