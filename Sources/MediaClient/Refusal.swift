import Blobs
import MediaMessage
package import Transfer

/// A server's no: the status, and the problem behind it (RFC 9457) in the words of our API.
package struct Refusal: Hashable, Sendable, CustomStringConvertible {
    package let status: Int
    /// The last part of the problem's type, or what `X-Reason` says: `too-large`.
    package let code: String?
    /// Why it ended: `revoked`.
    package let reason: String?
    /// The bound that was passed, in the unit of the code.
    package let limit: Int64?
    /// Which bound that was, in the server's words, as far as those are plain: `leases of this subject`.
    package let limitName: String?
    package let retryAfterSeconds: Int64?

    /// Reads an answer. A body that is no problem is left aside; nothing a server writes is shown as it is.
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
        case "not-sealed": "it takes sealed blobs only, and this is none"
        case "digest-mismatch": "the bytes that arrived are not the ones announced"
        case "too-large": "the file is too large" + (limit.map { "; the limit is \($0) bytes" } ?? "")
        case "lifetime-too-long":
            "the lifetime is too long"
                + (limit.flatMap { Lifetime(seconds: $0) }.map { "; at most \($0)" } ?? "")
        case "quota": "your quota is used up" + named + wait
        case "rate": "too many requests" + named + wait
        case "disk-full": "its disk is full"
        case "ticket-missing": "it wants a ticket; set SATCHEL_TICKET, or --ticket-file"
        case "ticket-invalid": "the ticket is not valid, or no longer"
        case "ticket-too-small": "the ticket does not allow that" + named
        case "wrong-secret": "this secret names nothing there"
        case "wrong-subject": "it was sent in the name of another ticket's holder"
        case "banned": "its operator wants nobody to hold this file"
        case "lease-ended": "this lease has ended; send the file anew"
        case "damaged": "its copy is damaged; its sender can heal it: satchel forward --file"
        case "unavailable": "it cannot do that now" + wait
        case "bad-field", "bad-range": "it does not understand the request"
        default: nil
        }
    }

    private func sentence(forStatus status: Int) -> String {
        switch status {
        case 401: "it wants a ticket (status 401)"
        case 403: "it does not allow that (status 403)"
        case 404, 405: "there is no Satchel server at this address (status \(status))"
        case 429: "too many requests" + wait
        case 500...: "it is in trouble (status \(status))" + wait
        default: "status \(status)"
        }
    }

    private var named: String { limitName.map { " (\($0))" } ?? "" }

    private var wait: String { retryAfterSeconds.map { "; try again in \(Self.duration($0))" } ?? "" }

    /// `90 s`, `20 min`, `3 h`: never less than was asked.
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

    /// Lower-case letters, digits and hyphens, at most 40: fit to be compared and shown.
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
