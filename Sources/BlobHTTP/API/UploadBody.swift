import Blobs
import HummingbirdCore
import NIOCore
import Store

/// The body of a request, which goes into a store in pieces of one size.
struct UploadBody {
    /// Bytes handed to the store at a time.
    private static let pieceBytes = 256 * 1024

    private let body: RequestBody
    /// Bytes to come, if known.
    private let size: Int64
    /// Its position in the blob.
    private let offset: Int64

    init(_ body: RequestBody, of size: Int64?, from offset: Int64) {
        self.body = body
        self.size = size ?? .max
        self.offset = offset
    }

    /// Appends everything to `session` and returns how many bytes arrived. The first bytes of a blob of more than one
    /// piece go on at once, since they show whether the rest is wanted. Where the body breaks off, what arrived has
    /// gone on too.
    func copy(into session: any UploadSession) async throws -> Int64 {
        let magicBytes = Int64(SealedShape.magic.count) - offset
        var received: Int64 = 0
        var piece: [UInt8] = []
        do {
            for try await buffer in body {
                let isBeginning = received < magicBytes && size > Self.pieceBytes
                received += Int64(buffer.readableBytes)
                var rest = buffer.readableBytesView[...]
                while !rest.isEmpty {
                    // Not before there is something to keep: many requests bring nothing.
                    if piece.isEmpty { piece.reserveCapacity(Int(min(size, Int64(Self.pieceBytes)))) }
                    let taken = rest.prefix(Self.pieceBytes - piece.count)
                    piece.append(contentsOf: taken)
                    rest = rest.dropFirst(taken.count)
                    if piece.count == Self.pieceBytes || isBeginning && received >= magicBytes {
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
