import Blobs
import MediaMessage
package import Transfer

/// Why a server refused a request: the status, and its problem document (RFC 9457) in the terms of our API.
package struct ServerProblem: Hashable, Sendable, CustomStringConvertible {
    package let status: Int
    /// The last part of the problem's type, or the value of `X-Reason`: `too-large`.
    package let code: String?
    /// Why the blob is gone: `revoked`.
    package let reason: String?
    /// The limit that was exceeded, in the unit of the code.
    package let limit: Int64?
    /// The name of that limit in the server's words, if those are plain: `leases of this subject`.
    package let limitName: String?
    /// What there is to say of this occurrence, in the server's words, if those are plain.
    package let detail: String?
    package let retryAfterSeconds: Int64?

    /// Reads a response: the problem document, and for HEAD, which has none, the fields that stand for it. A body that is
    /// no problem document is ignored. What a server writes is shown only if it is short and plain.
    package init(_ response: HTTPResponse, now: Int64) {
        let members = Self.members(of: response)
        status = response.status
        code = Self.code(members) ?? response["x-reason"].flatMap(Self.word)
        reason = Self.text(members["reason"]).flatMap(Self.word) ?? response["x-reason"].flatMap(Self.word)
        limit =
            Self.number(members["limit"]) ?? Self.number(members["max"]) ?? response["x-limit"].flatMap { Int64($0) }
        limitName = (Self.text(members["limit_name"]) ?? response["x-limit-name"]).flatMap(Self.plainWords)
        detail = (Self.text(members["detail"]) ?? Self.challengeDetail(response)).flatMap(Self.plainSentence)
        retryAfterSeconds =
            response["retry-after"].flatMap { RetryAfter.seconds($0, now: now) } ?? Self.number(members["retry_after"])
    }

    /// A proxy or an edge answered in the place of its server, which it does not reach: 502, 503 and 504 that are not of
    /// our API, and an edge's words for it.
    var isOfProxyAlone: Bool {
        code.map { ["origin-unreachable", "origin-failed"].contains($0) } ?? [502, 503, 504].contains(status)
    }

    package var description: String {
        guard let code, let sentence = sentence(for: code) else { return sentence(forStatus: status) }
        return sentence
    }

    private func sentence(for code: String) -> String? {
        switch code {
        case "not-sealed": "only sealed blobs are accepted, and this is not one"
        case "digest-mismatch": "the bytes that arrived do not match the announced digest"
        case "too-large": "the file is too large" + (limit.map { "; the limit is \($0) bytes" } ?? "")
        case "lifetime-too-long":
            "the lifetime is "
                + (limit.flatMap { Lifetime(seconds: $0) }.map { "longer than \($0); use --lifetime \($0)" }
                    ?? "too long")
        case "quota": "your quota is used up" + named + wait
        case "rate": "too many requests" + named + wait
        case "disk-full": "its disk is full"
        case "ticket-missing":
            "a ticket is required; set SATCHEL_TICKET or use --ticket-file (a server without ticket keys prints the path "
                + "of its own as it starts, and satchel doctor says where it is looked for)"
        case "ticket-invalid":
            detail.map { "the ticket is not accepted: \($0)" } ?? "the ticket is invalid or has expired"
        case "ticket-too-small": "the ticket does not permit this" + claim
        case "wrong-secret": "there is no lease with this secret"
        case "wrong-subject": "it was sent with the ticket of another person"
        case "banned": "this file is banned by the operator"
        case "lease-ended": "this lease has ended; send the file again"
        case "receipt-taken": "another lease on this file has the same receipt secret; send the file again"
        case "damaged": "its copy of the file is damaged; the sender can repair it with satchel forward --file"
        case "unavailable": "temporarily unavailable" + wait
        case "origin-unreachable": "the server behind it cannot be reached" + wait
        case "origin-failed": "the server behind it failed" + wait
        case "read-only": "it takes no uploads"
        case "bad-field", "bad-range": "it does not understand the request" + (detail.map { ": \($0)" } ?? "")
        default: nil
        }
    }

    private func sentence(forStatus status: Int) -> String {
        switch status {
        case 401: "a ticket is required (status 401)"
        case 403: "forbidden (status 403)"
        case 404, 405: "there is no Satchel server at this address (status \(status))"
        case 429: "too many requests" + wait
        case 500...: "server error (status \(status))" + wait
        default: "status \(status)"
        }
    }

    private var named: String { limitName.map { " (\($0))" } ?? "" }

    /// Which claim of the ticket is in the way, and what it permits.
    private var claim: String {
        guard let limitName else { return "" }
        guard let limit else { return ": its \(limitName) claim is another" }
        let most =
            switch limitName {
            case "max_size": "\(limit) bytes"
            case "max_lifetime": Lifetime(seconds: limit)?.description ?? "\(limit)"
            default: "\(limit)"
            }
        return ": its \(limitName) is \(most)"
    }

    private var wait: String { retryAfterSeconds.map { "; try again in \(Self.duration($0))" } ?? "" }

    /// `90 s`, `20 min`, `3 h`: never less than the server asked for.
    private static func duration(_ seconds: Int64) -> String {
        switch seconds {
        case ...120: "\(seconds) s"
        case ...7200: "\((seconds - 1) / 60 + 1) min"
        default: "\((seconds - 1) / 3600 + 1) h"
        }
    }

    // MARK: Reading

    private static func members(of response: HTTPResponse) -> [String: JSONValue] {
        guard response.mediaType == "application/problem+json",
            case .object(let members)? = try? JSONReader.read(response.body)
        else { return [:] }
        return members
    }

    private static func code(_ members: [String: JSONValue]) -> String? {
        text(members["type"]).flatMap { $0.split(separator: "/").last.map(String.init) }.flatMap(word)
    }

    private static func text(_ value: JSONValue?) -> String? {
        if case .string(let text)? = value { text } else { nil }
    }

    private static func number(_ value: JSONValue?) -> Int64? {
        if case .number(let text)? = value { Int64(text) } else { nil }
    }

    /// Why a ticket was refused: `error_description` of `WWW-Authenticate` (RFC 6750 §3).
    private static func challengeDetail(_ response: HTTPResponse) -> String? {
        guard let challenge = response["www-authenticate"],
            let start = challenge.firstRange(of: "error_description=\"")?.upperBound
        else { return nil }
        let rest = challenge[start...]
        return rest.firstIndex(of: "\"").map { String(rest[..<$0]) }
    }

    /// A sentence of printable ASCII, at most 200 bytes, as the end of another one: without its full stop, and without
    /// the words with which our server introduces why it rejects a ticket.
    private static func plainSentence(_ text: String) -> String? {
        guard (1...200).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            return nil
        }
        let introduction = "The ticket was rejected: "
        let end = text.hasPrefix(introduction) ? text.dropFirst(introduction.count) : text[...]
        return String(end.hasSuffix(".") ? end.dropLast() : end)
    }

    /// A few words of lower-case letters, digits, `-` and `_`, at most 60 bytes.
    private static func plainWords(_ text: String) -> String? {
        let isPlain = text.utf8.allSatisfy { unit in
            switch unit {
            case 0x61...0x7a, 0x30...0x39, 0x20, 0x2d, 0x5f: true
            default: false
            }
        }
        return isPlain && (1...60).contains(text.utf8.count) ? text : nil
    }

    /// Lower-case letters, digits and hyphens, at most 40: safe to compare and show.
    private static func word(_ text: String) -> String? {
        let isWord = text.utf8.allSatisfy { unit in
            switch unit {
            case 0x61...0x7a, 0x30...0x39, 0x2d: true
            default: false
            }
        }
        return isWord && (1...40).contains(text.utf8.count) ? text : nil
    }
}
