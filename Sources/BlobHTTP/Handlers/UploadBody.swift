import Blobs
import Hummingbird
import NIOCore
import Store

/// The body of a request on its way into a store, in pieces of one size.
struct UploadBody {
    /// Bytes handed to the store at a time.
    private static let pieceBytes = 256 * 1024

    private let body: RequestBody
    /// Bytes to come, as far as that is known.
    private let size: Int64
    /// Where in the blob it begins.
    private let offset: Int64

    init(_ body: RequestBody, of size: Int64?, from offset: Int64) {
        self.body = body
        self.size = size ?? .max
        self.offset = offset
    }

    /// Passes everything on; tells how many bytes came. The first bytes of a blob of more than a piece go on at once,
    /// since they tell whether the rest is wanted. Where the body is cut, what came of it has gone on too.
    func pass(to session: any UploadSession) async throws -> Int64 {
        let telling = Int64(SealedShape.magic.count) - offset
        var received: Int64 = 0
        var piece: [UInt8] = []
        do {
            for try await buffer in body {
                let isBeginning = received < telling && size > Self.pieceBytes
                received += Int64(buffer.readableBytes)
                var rest = buffer.readableBytesView[...]
                while !rest.isEmpty {
                    // Not before there is something to keep: many a request brings nothing.
                    if piece.isEmpty { piece.reserveCapacity(Int(min(size, Int64(Self.pieceBytes)))) }
                    let taken = rest.prefix(Self.pieceBytes - piece.count)
                    piece.append(contentsOf: taken)
                    rest = rest.dropFirst(taken.count)
                    if piece.count == Self.pieceBytes || isBeginning && received >= telling {
                        let full = piece
                        piece = []
                        try await session.append(full)
                    }
                }
            }
        } catch {
            if !(error is StoreError), !piece.isEmpty { try await session.append(piece) }
            throw error
        }
        if !piece.isEmpty { try await session.append(piece) }
        return received
    }
}
