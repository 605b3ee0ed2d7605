import Blobs
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Store

extension BlobResponder {
    /// Bytes read from the store at a time.
    private static let pieceBytes: Int64 = 64 * 1024

    /// `GET, HEAD /<sha256>`.
    func read(
        _ address: BlobAddress, _ request: Request, _ pass: Pass, _ context: RequestScope
    ) async throws -> Response {
        let question = BlobQuestion(isHead: request.method == .head, fields: request.headers)
        switch try await store.find(address) {
        case .unknown: throw Problem(.notFound)
        case .gone(let reason): throw Problem(.gone, reason: reason.rawValue)
        case .damaged: throw Problem(.damaged)
        case .held(let blob):
            let facts = BlobFacts(address: blob.address, size: blob.size, sunset: blob.sunset)
            let reading = try BlobReading.decide(question, facts, now: store.now(), cacheSeconds: cacheSeconds)
            gate.limiter.spend(reading.body.byteCount(of: blob.size), by: pass.client)
            let body = try await Self.body(reading.body, of: blob, context)
            return Response(status: reading.status, headers: reading.fields, body: body)
        }
    }

    private static func body(
        _ body: BlobVerdict.Body, of blob: HeldBlob, _ context: RequestScope
    ) async throws -> ResponseBody {
        switch body {
        case .none: return ResponseBody()
        case .whole:
            guard let all = ByteRange(offset: 0, count: blob.size, within: blob.size) else { return ResponseBody() }
            return try await Self.body(.part(all), of: blob, context)
        case .part(let range) where range.count <= pieceBytes:
            return ResponseBody(byteBuffer: ByteBuffer(bytes: try await blob.content.read(range)))
        case .part(let range):
            return ResponseBody(contentLength: Int(range.count)) { writer in
                try await write(range, of: blob, to: &writer, context)
                try await writer.finish(nil)
            }
        case .multipart(let layout):
            return ResponseBody(contentLength: Int(layout.contentLength)) { writer in
                for part in layout.parts {
                    try await writer.write(ByteBuffer(string: part.head))
                    try await write(part.range, of: blob, to: &writer, context)
                }
                try await writer.write(ByteBuffer(string: layout.tail))
                try await writer.finish(nil)
            }
        }
    }

    /// Writes a range piece by piece; each waits until the client has room for it. When the store fails here the answer
    /// has begun: the connection is cut, and the missing bytes tell the client.
    @concurrent private static func write(
        _ range: ByteRange, of blob: HeldBlob, to writer: inout any ResponseBodyWriter, _ context: RequestScope
    ) async throws {
        var offset = range.offset
        while offset < range.end {
            let count = min(pieceBytes, range.end - offset)
            guard let piece = ByteRange(offset: offset, count: count, within: blob.size) else {
                preconditionFailure("a piece of a range lies within the blob")
            }
            let bytes: [UInt8]
            do { bytes = try await blob.content.read(piece) } catch {
                let facts: Logger.Metadata = ["blob": "\(blob.address.abbreviated)", "error": "\(error)"]
                context.logger.error("A blob could not be read to its end", metadata: facts)
                throw error
            }
            try await writer.write(ByteBuffer(bytes: bytes))
            // The writer waits for a client that is behind, but hears of it from the event loop; without this turn of
            // the loop a busy server would read ahead of it without bound.
            try await context.channel.eventLoop.submit {}.get()
            offset += count
        }
    }
}
