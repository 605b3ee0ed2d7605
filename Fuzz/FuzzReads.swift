import Blobs
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import BlobHTTP

/// The bytes of a connection: a read that is recognised in them is the one that the decoder finds, of the same length, with
/// the same meaning. Of a slot the rest of its path is looked at where its blob is looked up.
func fuzzReads(_ bytes: [UInt8]) {
    guard let read = PlainRead(bytes.span, limit: ConnectionLimits().headerBytes) else { return }
    check((1...bytes.count).contains(read.byteCount), "a read is within the bytes")
    let request = Array(bytes.prefix(read.byteCount))
    guard let head = decoded(request) else {
        return check(false, "the decoder takes what is recognised, and all of it")
    }
    check(decoded(request.dropLast()) == nil, "it ends where the decoder says")
    let framing = RequestFraming(head)
    check(framing.fault == nil && framing.keepsAlive && framing.bodyBytes == 0, "its connection goes on behind it")
    guard let subject = subject(of: read, bytes) else {
        return check(framing.readRequest == nil, "a slot whose path is malformed is none")
    }
    guard let expected = framing.readRequest else { return check(false, "it is a read") }
    check(expected.subject == subject && expected.isHead == read.isHead, "it is of that blob or slot")
    check(expected.fault == nil && !expected.rereads, "it asks for nothing else")
    check(expected.preconditions.ifMatch == nil && expected.preconditions.ifRange == nil, "on no other condition")
    check((expected.preconditions.ifNoneMatch != nil) == (read.known != nil), "on that condition")
    if let known = read.known {
        let tags = [EntityTag(opaque: known.hex), EntityTag(opaque: String(known.hex.reversed()) + "0")]
        check(expected.preconditions.evaluate(tags[0]) == .notModified, "the client has that one")
        check(expected.preconditions.evaluate(tags[1]) == .proceed, "and no other")
    }
    let range = read.range.map { RangeField.ranges([.from(first: $0.lowerBound, last: $0.upperBound)]) }
    check(RangeField(expected.range) == range ?? .ignored, "it is of that range")
    for (name, _) in head.headers {
        let known = head.headers[name].map { String(Substring($0.utf8.trimmingBlanks())) }.joined(separator: ",")
        check(read.value(of: name.lowercased(), in: bytes.span) == known, "its fields have these values")
    }
}

/// What is read; nil for a slot whose path is malformed.
private func subject(of read: PlainRead, _ bytes: [UInt8]) -> ReadSubject? {
    switch read.subject {
    case .blob(let address): .blob(address)
    case .slot(let target): SlotPath(target: bytes.span.extracting(target)).map { .slot($0) }
    }
}

/// The head of the one request that these bytes are, from the first to the last.
private func decoded(_ bytes: some Collection<UInt8>) -> HTTPRequestHead? {
    let channel = EmbeddedChannel()
    defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
    do {
        try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(HTTP1Pipeline.decoder(limits: ConnectionLimits())))
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        guard case .head(let head)? = try channel.readInbound(as: HTTPServerRequestPart.self),
            case .end? = try channel.readInbound(as: HTTPServerRequestPart.self),
            try channel.readInbound(as: HTTPServerRequestPart.self) == nil
        else { return nil }
        return head
    } catch { return nil }
}
