import HTTPTypes

/// The ticket in `Authorization: Bearer …` (RFC 6750 §2.1), and how the lack of a good one is told (§3).
enum BearerField {
    /// The token as it was sent; nil where the field is absent or of another scheme.
    static func token(_ fields: HTTPFields) -> String? {
        guard let text = fields[.authorization] else { return nil }
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }
}

extension Problem {
    static var ticketMissing: Problem {
        Problem(.ticketMissing, fields: [.wwwAuthenticate: "Bearer"])
    }

    /// A ticket that was not taken; `why` completes "The ticket is not taken:".
    static func ticketInvalid(_ why: String) -> Problem {
        Problem(
            .ticketInvalid, detail: "The ticket is not taken: \(why).",
            fields: [.wwwAuthenticate: "Bearer error=\"invalid_token\", error_description=\"\(why)\""])
    }

    /// A ticket that is good, but whose claim `claim` does not allow this.
    static func ticketTooSmall(_ claim: String, limit: Int64? = nil) -> Problem {
        Problem(
            .ticketTooSmall, detail: "The ticket's \(claim) does not allow this.", limit: limit, limitName: claim,
            fields: [.wwwAuthenticate: "Bearer error=\"insufficient_scope\""])
    }
}
