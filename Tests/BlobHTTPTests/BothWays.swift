import BlobHTTP
import Telemetry
import Testing
import Vault

/// Reads on one connection that are answered past the decoder and behind it.
struct BothWays {
    /// A field that means nothing to a read, and that the decoder has to look at.
    static let detour = "Content-Length: 0\r\n"
    private static let statuses = [200, 206, 304, 416]

    let server: TestServer
    let client: RawClient
    let route: RouteClass

    /// Expects the same response, the date apart, and the same counts each time, and gives the response.
    @discardableResult func expectSame(
        _ target: String, _ fields: String, isHead: Bool, _ comment: Comment
    ) async throws -> RawClient.Answer {
        var answers: [RawClient.Answer] = []
        var counts: [Int] = []
        for detour in [Self.detour, "", "", Self.detour] {
            let before = server.vault.meters.requests.sentBytes(route: route)
            let earlier = statusCounts
            let method = isHead ? "HEAD" : "GET"
            try await client.send("\(method) \(target) HTTP/1.1\r\nHost: x\r\n\(fields)\(detour)\r\n")
            answers.append(try #require(await client.answer(toHead: isHead)))
            // It is counted when it has left, which its reader may know first.
            while statusCounts == earlier { await Task.yield() }
            counts.append(server.vault.meters.requests.sentBytes(route: route) - before)
        }
        #expect(Set(answers.map(text)).count == 1 && Set(answers.map(\.body)).count == 1, comment)
        #expect(Set(counts).count == 1, comment)
        return try #require(answers.last)
    }

    private var statusCounts: [Int] {
        Self.statuses.map { server.vault.meters.requests.count(route: route, status: $0) }
    }

    private func text(_ answer: RawClient.Answer) -> String {
        ([answer.statusLine] + answer.fields.filter { $0.name != "date" }.map { "\($0.name): \($0.value)" })
            .joined(separator: "\n")
    }
}
