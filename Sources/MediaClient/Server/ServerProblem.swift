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
    package let retryAfterSeconds: Int64?

    /// Reads a response. A body that is not a problem document is ignored; nothing a server writes is shown verbatim.
    package init(_ response: HTTPResponse, now: Int64) {
        let members = Self.members(of: response)
        status = response.status
        code = Self.code(members) ?? response["x-reason"].flatMap(Self.word)
        reason = Self.text(members["reason"]).flatMap(Self.word) ?? response["x-reason"].flatMap(Self.word)
        limit = Self.number(members["limit"]) ?? Self.number(members["max"])
        limitName = Self.text(members["limit_name"]).flatMap(Self.plainWords)
        retryAfterSeconds =
            response["retry-after"].flatMap { RetryAfter.seconds($0, now: now) } ?? Self.number(members["retry_after"])
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
            "the lifetime is too long"
                + (limit.flatMap { Lifetime(seconds: $0) }.map { "; the maximum is \($0)" } ?? "")
        case "quota": "your quota is used up" + named + wait
        case "rate": "too many requests" + named + wait
        case "disk-full": "its disk is full"
        case "ticket-missing": "a ticket is required; set SATCHEL_TICKET or use --ticket-file"
        case "ticket-invalid": "the ticket is invalid or has expired"
        case "ticket-too-small": "the ticket does not permit this" + named
        case "wrong-secret": "there is no lease with this secret"
        case "wrong-subject": "it was sent with the ticket of another person"
        case "banned": "this file is banned by the operator"
        case "lease-ended": "this lease has ended; send the file again"
        case "damaged": "its copy of the file is damaged; the sender can repair it with satchel forward --file"
        case "unavailable": "temporarily unavailable" + wait
        case "bad-field", "bad-range": "it does not understand the request"
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
