import Blobs
import Logging
import NIOCore
import Store
import Synchronization

/// Everything that reading blobs shares: the store, and on each event loop what is ready there.
final class BlobReads: Sendable {
    let store: any BlobStore
    /// Reading needs nothing to be shown, but it is counted.
    let gate: Gate
    let watch: RequestWatch
    private let cacheSeconds: Int64
    private let limits: ReadyTable.Limits
    private let logger: Logger
    private let desks = Mutex<[ObjectIdentifier: NIOLoopBound<ReadingDesk>]>([:])

    init(
        store: any BlobStore, gate: Gate, cacheSeconds: Int64, limits: ReadyTable.Limits, watch: RequestWatch,
        logger: Logger
    ) {
        self.store = store
        self.gate = gate
        self.watch = watch
        self.cacheSeconds = cacheSeconds
        self.limits = limits
        self.logger = logger
    }

    /// What reads blobs on `loop`, which is the present one.
    func desk(on loop: any EventLoop) -> ReadingDesk {
        let bound = desks.withLock { desks in
            if let desk = desks[ObjectIdentifier(loop)] { return desk }
            let desk = NIOLoopBound(ReadingDesk(self, loop: loop, limits: limits), eventLoop: loop)
            desks[ObjectIdentifier(loop)] = desk
            return desk
        }
        return bound.value
    }

    /// Lets go of everything that is ready on any loop.
    func close() {
        for desk in desks.withLock({ $0.values }) { desk.eventLoop.execute { desk.value.close() } }
    }

    /// What one look at the store came to.
    enum Finding: Sendable {
        case held(HeldBlob, body: ByteBuffer?)
        case refused(Problem)
    }

    /// Looks at the store; a small blob comes with its bytes.
    @concurrent func find(_ address: BlobAddress, for intent: ReadIntent) async -> Finding {
        do throws(StoreError) {
            switch try await store.find(address, for: intent) {
            case .unknown: return .refused(Problem(.notFound))
            case .gone(let reason): return .refused(Problem(.gone, reason: reason.rawValue))
            case .damaged: return .refused(Problem(.damaged))
            case .unreachable(stale: nil):
                return .refused(Problem(.unavailable, retryAfterSeconds: Problem.pauseSeconds))
            case .held(let blob), .unreachable(stale: let blob?):
                return .held(blob, body: try await Self.smallBody(of: blob))
            }
        } catch {
            logger.error(
                "A blob could not be read", metadata: ["blob": "\(address.abbreviated)", "error": "\(error)"])
            return .refused(Problem(storeError: error))
        }
    }

    private static func smallBody(of blob: HeldBlob) async throws(StoreError) -> ByteBuffer? {
        guard blob.size <= ReadyBlob.bodyLimit else { return nil }
        guard let all = ByteRange(offset: 0, count: blob.size, within: blob.size) else { return ByteBuffer() }
        return ByteBuffer(bytes: try await blob.content.read(all))
    }

    /// The blob as a loop keeps it, whose dates are in `dates`.
    func ready(_ blob: HeldBlob, body: ByteBuffer?, validity: ValidityToken, dates: DateText) -> ReadyBlob {
        ReadyBlob(blob, body: body, validity: validity, cacheSeconds: cacheSeconds, dates: dates)
    }

    /// An answer was cut because its bytes could not be read.
    func cut(_ address: BlobAddress, _ error: StoreError) {
        logger.error(
            "A blob could not be read to its end", metadata: ["blob": "\(address.abbreviated)", "error": "\(error)"])
    }
}
