package import HTTPTypes

/// What pages of other origins may do (the Fetch standard's CORS protocol). There are no cookies, so `*` gives nothing
/// away. Where no ticket is asked for, only the server's own pages may write.
package struct CrossOrigin: Sendable {
    /// Who may write from a page.
    package enum WriteOrigins: Hashable, Sendable {
        case anyOrigin
        case only(origin: String)
    }

    package enum Purpose: Hashable, Sendable {
        /// Reading blobs.
        case read
        /// Writing, and everything about leases.
        case write
        /// Filling and reading slots: no page does that without the word of a chat server.
        case slot
        /// Looking at a page of this server, which is for people: no other page reads it.
        case look
    }

    package let writers: WriteOrigins

    package init(writers: WriteOrigins) {
        self.writers = writers
    }

    private static let readRequestFields = "Range, If-Range, If-None-Match, If-Match"
    private static let writeRequestFields =
        readRequestFields + ", Authorization, Content-Type, Satchel-Lifetime, Satchel-Recipients, Satchel-Owner, "
        + "Satchel-Receipt, Satchel-Secret, X-SHA-256, X-Content-Length, X-Content-Type, Repr-Digest, Tus-Resumable, "
        + "Upload-Checksum, Upload-Complete, Upload-Concat, Upload-Defer-Length, Upload-Draft-Interop-Version, "
        + "Upload-Incomplete, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override"
    private static let readAnswerFields =
        "Content-Length, Content-Range, Accept-Ranges, ETag, Repr-Digest, Sunset, Retry-After, X-Reason, X-Limit, "
        + "X-Limit-Name"
    private static let writeAnswerFields =
        readAnswerFields + ", Location, Content-Location, Satchel-Public-URL, Tus-Checksum-Algorithm, Tus-Extension, "
        + "Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Complete, Upload-Draft-Interop-Version, Upload-Expires, "
        + "Upload-Incomplete, Upload-Length, Upload-Limit, Upload-Metadata, Upload-Offset"

    /// The fields of every response to a read, refusals included.
    package static let readFields: HTTPFields = [
        .accessControlAllowOrigin: "*", .accessControlExposeHeaders: readAnswerFields,
    ]

    /// The fields of a response to a request from `origin`, if it named one.
    package func fields(for purpose: Purpose, origin: String?) -> HTTPFields {
        switch (purpose, writers) {
        case (.look, _): [:]
        case (.read, _), (.slot, _): Self.readFields
        case (.write, .anyOrigin):
            [.accessControlAllowOrigin: "*", .accessControlExposeHeaders: Self.writeAnswerFields]
        case (.write, .only(let own)) where origin == own:
            [.accessControlAllowOrigin: own, .accessControlExposeHeaders: Self.writeAnswerFields, .vary: "Origin"]
        case (.write, .only): [.vary: "Origin"]
        }
    }

    /// The fields of a response to a preflight for `purpose`; `methods` are those of the route.
    package func preflightFields(for purpose: Purpose, origin: String?, methods: [HTTPRequest.Method]) -> HTTPFields {
        var fields = fields(for: purpose, origin: origin)
        guard fields[.accessControlAllowOrigin] != nil else { return fields }
        fields[.accessControlExposeHeaders] = nil
        fields[.accessControlAllowMethods] = methods.map(\.rawValue).joined(separator: ", ")
        fields[.accessControlAllowHeaders] =
            switch purpose {
            case .read, .look: Self.readRequestFields
            case .write: Self.writeRequestFields
            case .slot: Self.readRequestFields + ", Authorization, Content-Type"
            }
        fields[.accessControlMaxAge] = "86400"
        return fields
    }
}
