import HTTPTypes

/// The interop versions of draft-ietf-httpbis-resumable-upload that are spoken here, and in what they differ. Version 4
/// had no client.
package enum DraftVersion: Int, CaseIterable, Comparable, Sendable {
    /// Draft 01.
    case v3 = 3
    /// Draft 03: `Upload-Complete` in the place of `Upload-Incomplete`.
    case v5 = 5
    /// Drafts 04 and 05: a media type for appended bytes, `Upload-Length`, `Upload-Limit`.
    case v6 = 6
    /// Drafts 06 to 08: an append is answered 204, and `expires` is called `max-age`.
    case v7 = 7
    /// From draft 09 on.
    case v8 = 8

    package static func < (one: DraftVersion, other: DraftVersion) -> Bool { one.rawValue < other.rawValue }

    /// Whether bytes to append have a media type of their own.
    var hasMediaType: Bool { self >= .v6 }
    /// Whether lengths and limits are told in fields.
    var hasLimits: Bool { self >= .v6 }
    /// The name of an upload's remaining time among its limits.
    var ageLimitName: String { self >= .v7 ? "max-age" : "expires" }
    /// How bytes that were appended, and are not the last, are acknowledged.
    var appended: HTTPResponse.Status { self >= .v7 ? .noContent : .created }
    /// Whether every answer to the request that began an upload names the upload in `Location`, the last one too.
    var namesUploadToTheEnd: Bool { self <= .v6 }
    /// Whether a request has to say if its bytes are the last ones; before, those that do not say so are.
    var mustTellCompleteness: Bool { self >= .v6 }
    /// Whether fields of an append are refused in requests of other kinds.
    var refusesStrayFields: Bool { self <= .v6 }
}
