import HTTPTypes
import NIOCore
import Testing

@testable import OriginLink

@Suite struct RuleTests {
    @Test(arguments: [
        ("http://a", "http://a", ""), ("https://A.example:8443/m/", "https://a.example:8443", "/m"),
        ("HTTPS://a:443", "https://a", ""), ("http://[::1]:80/a/b//", "http://[::1]", "/a/b"),
        ("http://10.0.0.1:1", "http://10.0.0.1:1", ""),
    ])
    func `an address is scheme, host, port and path`(_ text: String, origin: String, path: String) throws {
        let address = try #require(OriginAddress(text))
        #expect("\(address.origin)" == origin && address.path == path)
        #expect("\(address)" == origin + path)
    }

    @Test(arguments: [
        "", "a", "ftp://a", "http://", "http:///a", "http://user@a", "http://a?b", "http://a/#b", "http://a b",
        "http://a:0", "http://a:65536", "http://a:x", "http://[::1", "http://[a:b:zz]", "http://a/ü", "http://a\\b",
        "http://a/b?c", "http://ä", "http://a%20b",
    ])
    func `what is no address is refused`(_ text: String) { #expect(OriginAddress(text) == nil) }

    // MARK: Who gets a connection

    private final class Connection {}

    private typealias Ledger = ConnectionLedger<Connection, String>

    private func connect(_ ledger: inout Ledger) throws -> Connection {
        guard case .connect(nil) = ledger.ask(fresh: false) else { throw OriginError.busy }
        let connection = Connection()
        let isWanted = ledger.connected(connection)
        #expect(isWanted)
        return connection
    }

    @Test func `the connection that was used last is used next`() throws {
        var ledger = Ledger(limit: 3)
        let first = try connect(&ledger)
        let second = try connect(&ledger)
        _ = ledger.giveBack(second)
        _ = ledger.giveBack(first)
        guard case .reuse(let next) = ledger.ask(fresh: false) else { throw OriginError.busy }
        #expect(next === first)
    }

    @Test func `those who wait are served in order, and nobody overtakes them`() throws {
        var ledger = Ledger(limit: 1)
        let connection = try connect(&ledger)
        guard case .wait = ledger.ask(fresh: false) else { throw OriginError.busy }
        _ = ledger.enqueue("a")
        let ticket = ledger.enqueue("b")
        _ = ledger.enqueue("c")
        let withdrawn = [ledger.withdraw(ticket), ledger.withdraw(ticket)]
        #expect(withdrawn == ["b", nil])
        guard case .hand("a") = ledger.giveBack(connection), case .wait = ledger.ask(fresh: false) else {
            throw OriginError.busy
        }
        let afterLoss = [ledger.lost(connection), ledger.lost(connection)]
        #expect(afterLoss == ["c", nil])
        _ = ledger.enqueue("d")
        let afterFailure = [ledger.failedToConnect(), ledger.failedToConnect()]
        #expect(afterFailure == ["d", nil])
        _ = try connect(&ledger)
    }

    @Test func `a new connection is had although all places are taken by idle ones`() throws {
        var ledger = Ledger(limit: 2)
        let oldest = try connect(&ledger)
        let latest = try connect(&ledger)
        _ = ledger.giveBack(oldest)
        _ = ledger.giveBack(latest)
        guard case .connect(let closing) = ledger.ask(fresh: true) else { throw OriginError.busy }
        #expect(closing === oldest)
        let (next, isWanted) = (ledger.lost(oldest), ledger.connected(Connection()))
        #expect(next == nil && isWanted)
        guard case .reuse(let used) = ledger.ask(fresh: false) else { throw OriginError.busy }
        #expect(used === latest)
        guard case .wait = ledger.ask(fresh: true) else { throw OriginError.busy }
    }

    @Test func `a closed client gives and takes nothing`() throws {
        var ledger = Ledger(limit: 1)
        let connection = try connect(&ledger)
        _ = ledger.enqueue("a")
        let (connections, waiters) = ledger.close()
        #expect(connections.count == 1 && waiters == ["a"])
        guard case .closed = ledger.ask(fresh: false), case .close = ledger.giveBack(connection) else {
            throw OriginError.busy
        }
        let (next, isWanted) = (ledger.lost(connection), ledger.connected(Connection()))
        #expect(next == nil && !isWanted)
    }

    @Test func `not everybody may wait`() throws {
        var ledger = Ledger(limit: 1)
        _ = try connect(&ledger)
        for _ in 0..<Ledger.mostWaiting {
            guard case .wait = ledger.ask(fresh: false) else { throw OriginError.busy }
            _ = ledger.enqueue("")
        }
        guard case .busy = ledger.ask(fresh: false) else { throw OriginError.silent }
    }

    // MARK: Where a response ends

    @Test func `a boundary is found wherever the bytes are cut`() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
        let all = head + "abcX"
        for cut in 1..<all.utf8.count {
            var boundary = ResponseBoundary(headLimitBytes: 100)
            boundary.begin()
            var taken = 0
            var rest = [ByteBuffer(string: String(all.prefix(cut))), ByteBuffer(string: String(all.dropFirst(cut)))]
            while var bytes = rest.first {
                rest.removeFirst()
                guard case .deliver(let count) = boundary.take(bytes) else { break }
                taken += count
                if boundary.isHeadMissing {
                    let isFramed = boundary.frame(.length(3))
                    #expect(taken == head.utf8.count && isFramed)
                }
                bytes.moveReaderIndex(forwardBy: count)
                if bytes.readableBytes > 0 { rest.insert(bytes, at: 0) }
            }
            let isEnd = boundary.end()
            #expect(taken == all.utf8.count - 1 && isEnd)
        }
    }

    @Test func `chunks end in an empty line, and nothing else does`() {
        for (bytes, isEnd) in [("0\r\n\r\n", true), ("0\r\n\r\nH", false), ("0\r\n\r", false)] {
            var boundary = ResponseBoundary(headLimitBytes: 100)
            boundary.begin()
            let step = boundary.take(ByteBuffer(string: "H\r\n\r\n"))
            let isFramed = boundary.frame(.chunked)
            #expect(step == .deliver(5) && isFramed)
            for byte in bytes.utf8 { _ = boundary.take(ByteBuffer(bytes: [byte])) }
            let found = boundary.end()
            #expect(found == isEnd, "\(bytes)")
        }
    }

    @Test func `a head may be as large as the limit, and no larger`() {
        for (limit, fits) in [(8, true), (7, false)] {
            var boundary = ResponseBoundary(headLimitBytes: limit)
            boundary.begin()
            if case .deliver = boundary.take(ByteBuffer(string: "HTTP\r\n\r\nrest")) {
                #expect(fits)
            } else {
                #expect(!fits)
            }
        }
    }

    // MARK: What waits for a reader

    @Test func `small pieces are joined, large ones are not`() throws {
        let inbox = ResponseInbox()
        inbox.receive(OriginHead(status: .ok, fields: [:], contentLength: nil))
        for count in [10, 20, 100_000, 5] { inbox.receive(ByteBuffer(repeating: 7, count: count)) }
        var counts: [Int] = []
        while case .bytes(let bytes, _) = try inbox.take(atMost: 1 << 20) { counts.append(bytes.readableBytes) }
        #expect(counts == [30, 100_000, 5])
    }

    @Test func `reading stops where much waits, and goes on when half of it is gone`() throws {
        let inbox = ResponseInbox()
        inbox.receive(ByteBuffer(repeating: 7, count: ResponseInbox.fullBytes))
        #expect(inbox.settleRead())
        inbox.receive(ByteBuffer(repeating: 7, count: 1))
        #expect(!inbox.settleRead())
        var left = ResponseInbox.fullBytes + 1
        while case .bytes(let bytes, let resumes) = try inbox.take(atMost: 100_000) {
            left -= bytes.readableBytes
            if resumes { break }
        }
        #expect(left <= ResponseInbox.roomBytes && left > ResponseInbox.roomBytes - 100_000)
        #expect(!inbox.isPaused)
    }
}
