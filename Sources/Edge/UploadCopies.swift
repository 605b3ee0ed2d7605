import BlobFiles
import BlobHTTP
import Blobs
import CacheFolder
import FoundationEssentials
import HTTPTypes
import NIOCore
import OriginLink
import Store
import Synchronization
import Telemetry

/// Keeps uploads that pass through, since whoever sends is often near those who will read.
struct UploadCopies: Sendable {
    let store: EdgeStore

    /// A copy of the upload that `request` brings; nil where it brings none that could be kept.
    func begin(_ request: HTTPRequest) -> UploadCopy? {
        guard let route = request.path.flatMap({ Route(target: $0) }), route == .upload,
            request.method == .put || request.method == .post,
            let size = request.headerFields[.contentLength].flatMap({ SaturatingDigits.parse($0) }), size > 0,
            size <= store.cache.largestBytes
        else { return nil }
        return UploadCopy(size: size, store: store)
    }

    /// The origin has answered. What it has accepted under the address that was hashed here becomes a blob of the cache,
    /// until the end of the lease that it names.
    func end(_ copy: UploadCopy, _ head: OriginHead, body: ByteBuffer) async {
        guard head.status.kind == .successful,
            let stored = try? JSONDecoder().decode(Stored.self, from: Data(body.readableBytesView)),
            let address = BlobAddress(hex: stored.sha256), stored.expires > 0
        else { return copy.drop() }
        await copy.keep(as: address, until: Timestamp(seconds: stored.expires))
    }

    /// What of the descriptor matters here.
    private struct Stored: Decodable {
        let sha256: String
        let expires: Int64
    }
}

/// The bytes of one upload, written and hashed as they pass. A disk that takes no more ends the copy, never the upload.
final class UploadCopy: Sendable {
    /// The longest answer that is read for what it says.
    static let descriptorBytes: Int64 = 64 << 10

    private struct State {
        var hasher = BlobHasher()
        var count: Int64 = 0
        var isDropped = false
        var isWhole = false
    }

    private let size: Int64
    private let store: EdgeStore
    private let part: PartFile
    private let asked: Timestamp
    private let state = Mutex(State())

    init(size: Int64, store: EdgeStore) {
        self.size = size
        self.store = store
        asked = store.now()
        part = store.cache.folder.newPart()
    }

    /// Takes the next bytes. Called by one task.
    func append(_ bytes: ByteBuffer) async {
        let offset: Int64? = state.withLock { state in
            state.isDropped || Int64(bytes.readableBytes) > size - state.count ? nil : state.count
        }
        guard let offset else { return drop() }
        do throws(StoreError) {
            try await store.cache.threads.run { [self] () throws(StoreError) in
                if offset == 0, !store.cache.makeRoom(for: size, at: store.now()) { throw .diskFull }
                try part.write(bytes.readableBytesSpan, at: offset)
                state.withLock { state in
                    state.hasher.update(bytes.readableBytesSpan)
                    state.count += Int64(bytes.readableBytes)
                }
            }
        } catch {
            drop()
        }
    }

    /// All bytes have passed.
    func endBody() { state.withLock { $0.isWhole = $0.count == size } }

    func drop() {
        state.withLock { $0.isDropped = true }
        part.remove()
    }

    /// Makes it a blob of the cache, if its bytes are those of `address`.
    func keep(as address: BlobAddress, until sunset: Timestamp) async {
        let isRight = state.withLock { $0.isWhole && !$0.isDropped && $0.hasher.address() == address }
        guard isRight, store.cache.entry(of: address) == nil else { return drop() }
        let isPlaced = try? await store.cache.threads.run { [part] () throws(StoreError) in
            part.place(as: address, sunset: sunset)
        }
        guard isPlaced == true else { return drop() }
        store.keep(address, HeldHead(size: size, sunset: sunset), Standing(sunset: sunset, checked: asked))
        store.meters.uploadsKept.add()
    }
}
