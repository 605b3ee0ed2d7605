import Telemetry
import Testing
import Vault

@testable import BlobHTTP

/// Reads on one connection that are answered past the decoder and behind it.
struct BothWays {
    /// A field that means nothing to a read, and that the decoder has to look at.
    static let detour = "Content-Length: 0\r\n"
    private static let statuses = [200, 206, 304, 416]

    let server: TestServer
    let client: RawClient
    let route: RouteClass

    /// Expects the same response, byte for byte but for the date, and the same counts each time, and gives the response. Past
    /// the decoder it must have come wherever it can.
    @discardableResult func expectSame(
        _ target: String, _ fields: String, isHead: Bool, _ comment: Comment
    ) async throws -> RawClient.Answer {
        let request = "\(isHead ? "HEAD" : "GET") \(target) HTTP/1.1\r\nHost: x\r\n\(fields)"
        let first = try await ask(request + Self.detour, isHead: isHead)
        #expect(!first.isShortcut, comment)
        let isReady = first.answer.status < 400 && Int64(first.answer.body.count) <= PageCacheProbe.partBytes
        var (seen, tries) = (0, 0)
        // More than two tries for a file that the system has dropped from memory.
        while seen < 2, tries < 20 {
            let next = try await ask(request, isHead: isHead)
            #expect(next.answer.headButDate == first.answer.headButDate, comment)
            #expect(next.answer.body == first.answer.body && next.sentBytes == first.sentBytes, comment)
            if next.isShortcut == isReady { seen += 1 }
            tries += 1
        }
        #expect(seen == 2, comment)
        let last = try await ask(request + Self.detour, isHead: isHead)
        #expect(last.answer.headButDate == first.answer.headButDate && last.answer.body == first.answer.body, comment)
        #expect(!last.isShortcut && last.sentBytes == first.sentBytes, comment)
        return last.answer
    }

    private func ask(
        _ request: String, isHead: Bool
    ) async throws -> (answer: RawClient.Answer, sentBytes: Int, isShortcut: Bool) {
        let (bytes, shortcuts, earlier) = (sentBytes, server.shortcutCount(route), statusCounts)
        try await client.send(request + "\r\n")
        let answer = try #require(await client.answer(toHead: isHead))
        // It is counted when it has left, which its reader may know first.
        while statusCounts == earlier { await Task.yield() }
        return (answer, sentBytes - bytes, server.shortcutCount(route) > shortcuts)
    }

    private var sentBytes: Int { server.vault.meters.requests.sentBytes(route: route) }

    private var statusCounts: [Int] {
        Self.statuses.map { server.vault.meters.requests.count(route: route, status: $0) }
    }
}
