import HTTPTypes
import NIOCore

/// The head of an answer as HTTP/1.1 writes it (RFC 9112 §4, §5), made by us: NIO's codec costs a third of a small
/// answer.
enum HTTP1Head {
    static func statusLine(_ status: HTTPResponse.Status) -> String {
        "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n"
    }

    /// A line for each field. None of them comes from a client, so none holds a line end.
    static func lines(_ fields: HTTPFields) -> String {
        var lines = ""
        for field in fields { lines += "\(field.name.rawName): \(field.value)\r\n" }
        return lines
    }

    /// Adds the lines that only this answer has, and the end of the head.
    static func end(
        _ head: inout ByteBuffer, _ verdict: BlobVerdict, _ facts: BlobFacts, _ persistence: ConnectionState.Persistence
    ) {
        verdict.forEachOwnField(facts) { name, value in
            head.writeString(name.rawName)
            head.writeStaticString(": ")
            head.writeString(value)
            head.writeStaticString("\r\n")
        }
        head.writeString(line(persistence))
        head.writeStaticString("\r\n")
    }

    /// What the connection's state adds.
    static func line(_ persistence: ConnectionState.Persistence) -> String {
        switch persistence {
        case .close: "Connection: close\r\n"
        case .keepAlive(isHTTP10: true): "Connection: keep-alive\r\n"
        case .keepAlive, .none: ""
        }
    }
}
