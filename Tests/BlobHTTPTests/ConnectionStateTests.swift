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
        limits.drainBytes = 1000
        limits.drainTimeout = .seconds(2)
        return limits
    }()

    private static func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    private func fresh() -> ConnectionState { ConnectionState(limits: Self.limits, now: Self.at(0)) }

    /// A connection on which one request has been read to its end.
    private func answering(keepsAlive: Bool = true, isHTTP10: Bool = false) -> ConnectionState {
        var state = fresh()
        _ = state.receive(100, now: Self.at(0))
        state.beginRequest(keepsAlive: keepsAlive, isHTTP10: isHTTP10, expectsContinue: false, now: Self.at(0))
        state.endRequest(now: Self.at(0))
        return state
    }

    @Test("A connection is kept after an ordinary answer, and closed when it has been idle too long")
    func keepAlive() {
        var state = answering()
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(1)) == .keepAlive(isHTTP10: false))
        #expect(state.endAnswer(now: Self.at(2)) == .keepOpen)
        #expect(state.deadline(now: Self.at(2)) == Self.at(77))
        #expect(state.expire(now: Self.at(76), sentBytes: 0, bufferedBytes: 0) == .none)
        #expect(state.expire(now: Self.at(77), sentBytes: 0, bufferedBytes: 0) == .close)
    }

    @Test("A client of HTTP/1.0 that asked for it is told that the connection stays")
    func http10() {
        var state = answering(isHTTP10: true)
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .keepAlive(isHTTP10: true))
    }

    @Test("An answer that begins before its request has ended is the last")
    func early() {
        var state = fresh()
        state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: true, now: Self.at(0))
        #expect(state.awaitsContinue)
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .close)
        #expect(!state.awaitsContinue)
        #expect(state.reading == .over)
        #expect(state.receive(500, now: Self.at(0)) == .discard)
        #expect(state.endAnswer(now: Self.at(0)) == .linger)
    }

    @Test("What comes after the last answer is thrown away, up to a number of bytes and a time")
    func linger() {
        var state = answering(keepsAlive: false)
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .close)
        #expect(state.endAnswer(now: Self.at(0)) == .linger)
        state.linger(now: Self.at(5))
        #expect(state.receive(1000, now: Self.at(5)) == .discard)
        #expect(state.receive(1, now: Self.at(5)) == .close)
        #expect(state.deadline(now: Self.at(5)) == Self.at(7))
        #expect(state.expire(now: Self.at(6), sentBytes: 0, bufferedBytes: 0) == .none)
        #expect(state.expire(now: Self.at(7), sentBytes: 0, bufferedBytes: 0) == .close)
    }

    @Test("Nothing is written to a connection that has had its last answer")
    func silence() {
        var state = answering(keepsAlive: false)
        _ = state.beginAnswer(asksToClose: false, now: Self.at(0))
        _ = state.endAnswer(now: Self.at(0))
        state.linger(now: Self.at(0))
        #expect(state.beginAnswer(asksToClose: false, now: Self.at(0)) == .none)
    }

    @Test("Only one failure is handed on, and none after the last request")
    func failures() {
        var reading = fresh()
        _ = reading.receive(10, now: Self.at(0))
        #expect(reading.fail() == .standIn)
        #expect(reading.fail() == .ignore)
        var body = fresh()
        body.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
        #expect(body.fail() == .raise)
        var last = answering(keepsAlive: false)
        #expect(last.fail() == .ignore)
    }

    @Test("A header has its time from its first byte, however the bytes trickle")
    func slowHeader() {
        var state = fresh()
        _ = state.receive(1, now: Self.at(20))
        for second in 21..<30 { _ = state.receive(1, now: Self.at(Int64(second))) }
        #expect(state.deadline(now: Self.at(29)) == Self.at(30))
        #expect(state.expire(now: Self.at(29), sentBytes: 0, bufferedBytes: 0) == .none)
        #expect(state.expire(now: Self.at(30), sentBytes: 0, bufferedBytes: 0) == .fail(.slowHeader))
    }

    @Test("An upload at the lowest speed goes on for ever, below it the patience ends")
    func uploadSpeed() {
        for (bytesPerSecond, survives) in [(1000, true), (2000, true), (500, false), (1, false)] {
            var state = fresh()
            state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
            var expired = false
            for second in 1...600 where !expired {
                state.awaitBytes(now: Self.at(Int64(second) - 1))
                expired =
                    state.expire(now: Self.at(Int64(second)), sentBytes: 0, bufferedBytes: 0) == .fail(.slowBody)
                _ = state.receive(bytesPerSecond, now: Self.at(Int64(second)))
            }
            #expect(expired == !survives, "\(bytesPerSecond) bytes a second")
        }
    }

    @Test("While the server is behind, the client is not blamed")
    func backPressure() {
        var state = fresh()
        state.beginRequest(keepsAlive: true, isHTTP10: false, expectsContinue: false, now: Self.at(0))
        state.awaitBytes(now: Self.at(0))
        _ = state.receive(10, now: Self.at(1))
        #expect(state.expire(now: Self.at(1000), sentBytes: 0, bufferedBytes: 0) == .none)
    }

    @Test("An answer that makes no progress is given up, one that crawls is not")
    func slowReader() {
        var state = answering()
        _ = state.beginAnswer(asksToClose: false, now: Self.at(0))
        for second in stride(from: Int64(20), to: 200, by: 20) {
            #expect(state.expire(now: Self.at(second), sentBytes: second, bufferedBytes: 5000) == .none)
        }
        #expect(state.expire(now: Self.at(209), sentBytes: 180, bufferedBytes: 5000) == .none)
        #expect(state.expire(now: Self.at(210), sentBytes: 180, bufferedBytes: 5000) == .close)
    }

    @Test("A store that takes its time with an answer is not a slow reader")
    func slowStore() {
        var state = answering()
        #expect(state.expire(now: Self.at(500), sentBytes: 0, bufferedBytes: 0) == .none)
        _ = state.beginAnswer(asksToClose: false, now: Self.at(500))
        #expect(state.expire(now: Self.at(900), sentBytes: 10, bufferedBytes: 0) == .none)
    }

    @Test("At the end of the server idle connections close, others after their answer")
    func quiesce() {
        var idle = fresh()
        let closesIdle = idle.quiesce()
        #expect(closesIdle)
        var busy = answering()
        let closesBusy = busy.quiesce()
        #expect(!closesBusy)
        #expect(busy.beginAnswer(asksToClose: false, now: Self.at(0)) == .close)
        #expect(busy.endAnswer(now: Self.at(0)) == .linger)
    }

    @Test("Pipelined requests are answered in turn, and the connection closes after the one that said so")
    func pipelining() {
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
