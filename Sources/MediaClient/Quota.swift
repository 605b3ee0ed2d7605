package import Blobs
import Transfer

/// What a ticket's holder may still use at a server, and when more comes back.
package struct Quota: Hashable, Sendable {
    /// How much of one thing; no limit where none was named.
    package struct Use: Hashable, Sendable {
        package let used: Int64
        /// What uploads under way will use.
        package let reserved: Int64
        package let limit: Int64?

        init?(_ members: JSONMembers) {
            guard let used = members.integer("used") else { return nil }
            self.used = used
            reserved = members.integer("reserved") ?? 0
            limit = members.integer("limit")
        }
    }

    package let bytes: Use
    package let leases: Use
    package let uploads: Use
    /// When the next lease ends; nil where there is none.
    package let nextEnd: Timestamp?
}

extension Quota {
    /// Reads `{"bytes":{"used","reserved","limit"},"leases":{…},"uploads":{…},"next_end"}`; nil if a part is missing.
    init?(_ response: HTTPResponse) {
        guard let answer = JSONMembers(response), let bytes = answer.object("bytes").flatMap({ Use($0) }),
            let leases = answer.object("leases").flatMap({ Use($0) }),
            let uploads = answer.object("uploads").flatMap({ Use($0) })
        else { return nil }
        self.init(bytes: bytes, leases: leases, uploads: uploads, nextEnd: answer.moment("next_end"))
    }
}

extension MediaClient {
    /// `GET /quota` at the server of the settings, by the right of the ticket.
    package func quota() throws(MediaClientError) -> Quota {
        let server = try uploadServer()
        let request = HTTPRequest(
            .get, server.appending("quota"), fields: try ticket(for: server).map { [$0.field] } ?? [])
        let answer: HTTPResponse
        do throws(MediaClientError) {
            answer = try http().answer(
                to: request, pacing: pacing, attempts: Attempts(retries, pacing, say: audience.say))
        } catch {
            guard case .notFound(let host) = error else { throw error }
            throw .answer("it keeps no account of what is used", host: host)
        }
        guard answer.status == 200, let quota = Quota(answer) else {
            throw .answer("it is no account of what is used", host: server.origin.authority)
        }
        return quota
    }
}
