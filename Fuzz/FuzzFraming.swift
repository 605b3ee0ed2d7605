import Blobs
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import BlobHTTP

/// The bytes of a connection, after one that says in how small pieces they come.
///
/// Requests are the same ones however the bytes were cut; none is taken that another reader could take to end
/// elsewhere (RFC 9112 §11.2).
func fuzzFraming(_ bytes: [UInt8]) {
    let step = Int(bytes.first ?? 0) % 7 + 1
    let stream = Array(bytes.dropFirst())
    let whole = Reading(stream, step: max(stream.count, 1))
    let cut = Reading(stream, step: step)
    check(whole == cut, "however bytes are cut, they are the same requests")
}

/// What a decoder as the server sets it up makes of some bytes.
private struct Reading: Equatable {
    private var heads: [HTTPRequestHead] = []
    private var bodies: [[UInt8]] = []
    private var ends = 0
    private var failed = false

    init(_ bytes: [UInt8], step: Int) {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        do {
            try channel.pipeline.syncOperations.addHandler(
                ByteToMessageHandler(HTTP1Pipeline.decoder(limits: ConnectionLimits())))
            for start in stride(from: 0, to: bytes.count, by: step) {
                let piece = bytes[start..<min(start + step, bytes.count)]
                try channel.writeInbound(ByteBuffer(bytes: piece))
                try take(from: channel)
            }
        } catch {
            // What was whole before the fault counts, as it does for the server.
            try? take(from: channel)
            failed = true
        }
    }

    private mutating func take(from channel: EmbeddedChannel) throws {
        while !failed, let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head): takeHead(head)
            case .body(let bytes): bodies[bodies.count - 1] += Array(bytes.readableBytesView)
            case .end: ends += 1
            }
        }
    }

    private mutating func takeHead(_ head: HTTPRequestHead) {
        let framing = RequestFraming(head)
        guard framing.fault == nil else {
            failed = true
            return
        }
        checkOneReading(head)
        if let request = framing.readRequest {
            switch request.subject {
            case .blob(let address): check(head.uri.contains(address.hex), "a blob that is read is named in the target")
            case .slot: check(head.uri.contains("slots"), "so is the door of a slot that is read")
            }
            check(request.isHead == (head.method == .HEAD), "HEAD is HEAD")
        } else if head.method == .GET || head.method == .HEAD, case .blob? = Route(target: head.uri) {
            check(false, "every read is one, whatever else its head says")
        }
        heads.append(head)
        bodies.append([])
    }

    private func checkOneReading(_ head: HTTPRequestHead) {
        let lengths = head.headers["content-length"].map { $0.utf8.trimmingBlanks() }
        let encodings = head.headers["transfer-encoding"].map { String(Substring($0.utf8.trimmingBlanks())) }
        check(head.headers["host"].count == 1 || head.version == .http1_0, "one host")
        check(lengths.count + encodings.count <= 1, "one way to find the end of a body")
        check(lengths.allSatisfy { SaturatingDigits.parse($0.span) != nil }, "a length is digits")
        check(encodings.allSatisfy { $0.lowercased() == "chunked" }, "one encoding")
        for (name, value) in head.headers {
            check(!name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "a name is a token")
            check(value.utf8.allSatisfy { $0 != 0 && $0 != 0x0d && $0 != 0x0a }, "a value is one line")
        }
    }
}
