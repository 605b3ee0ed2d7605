import HTTPTypes
import HummingbirdCore
import NIOCore
import Testing

@testable import BlobHTTP

@Suite(.timeLimit(.minutes(15))) struct ShortAnswerTests {
    /// Takes down how many bytes each part of a body has.
    private struct PartWriter: ResponseBodyWriter {
        final class Parts {
            var bytes: [Int] = []
            var hasEnded = false
        }

        let parts: Parts

        mutating func write(_ buffer: ByteBuffer) async throws { parts.bytes.append(buffer.readableBytes) }
        consuming func finish(_ trailingHeaders: HTTPFields?) async throws { parts.hasEnded = true }
    }

    /// Over HTTP/2 an empty part would become a DATA frame of its own, only to end the stream.
    @Test func `an answer without a body writes no part of one, and any other writes one`() async throws {
        for (answer, bytes) in [(.slotFilled, []), (ShortAnswer(document: [1, 2, 3]), [3])] {
            let parts = PartWriter.Parts()
            try await Response(answer).body.write(PartWriter(parts: parts))
            #expect(parts.bytes == bytes && parts.hasEnded)
        }
    }
}
