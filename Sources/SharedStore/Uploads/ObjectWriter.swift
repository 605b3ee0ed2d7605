import BlobFiles
import Blobs
import Files
import Store
import StoreParts
import StoreRules
import Synchronization
import Telemetry

/// Takes the bytes of one request to objects: checks them as they arrive, gathers them, hashes and spools what was gathered
/// on threads while the next ones arrive, and hands every full object on while the next one fills. Owns the request's
/// place among the others. Used by one task at a time.
///
/// At most one object is on its way while another fills. What is small enough never meets a disk.
final class ObjectWriter: Sendable {
    /// The largest upload that is kept in memory until its end.
    static let smallBytes = Int64(ByteIntake.gatherBytes)
    /// Up to this size what is left at the end is hashed where it is; more on a thread.
    private static let hashedInPlace = 32 << 10

    private struct PieceDigests {
        /// Of all bytes of the upload; nil if this node has not seen the first of them.
        var whole: BlobHasher?
        /// Of the object that is being filled; nil while that has the same bytes.
        var object: BlobHasher?
        var checksum: ChecksumHasher?

        /// Takes the next bytes.
        mutating func update(_ pieces: [[UInt8]]) {
            for piece in pieces {
                whole?.update(piece)
                object?.update(piece)
                checksum?.update(piece)
            }
        }

        /// The digest of the object that is filled now; the next one begins.
        mutating func takeObject() -> BlobAddress? {
            defer { object = BlobHasher() }
            return (object ?? whole)?.address()
        }
    }

    /// The object that is being filled, and the one before it.
    private struct FillingPiece {
        var file: SpoolFile?
        /// Bytes that were given to it, gathered ones included.
        var bytes: Int64 = 0
        var sending: Task<Result<Void, StoreError>, Never>?
    }

    private let store: SharedStore
    /// The number of its request among those in progress.
    private let request: Int
    /// The checksum that the bytes of this request must have.
    let checksum: UploadChecksum?
    /// Bytes that are still to come, if they are known.
    private let announced: Int64?
    /// Whether all of it is kept in memory until the end.
    private let isSmall: Bool
    private let intake: ByteIntake
    private let digests: Mutex<PieceDigests>
    private let filling = Mutex(FillingPiece())
    private let deliver: @Sendable (ObjectBytes) async throws(StoreError) -> Void

    /// - Parameters:
    ///   - announced: bytes of this request, or of all that are missing.
    ///   - hasher: the digest of the bytes before those of this request; nil if it is not known here.
    ///   - isFirst: whether this request brings the first byte of the upload.
    ///   - deliver: called with every object as soon as it is full, one at a time, while the next one fills.
    init(
        request: Int, rule: UploadRule, announced: Int64?, hasher: BlobHasher? = BlobHasher(), isFirst: Bool = true,
        checksum: UploadChecksum? = nil, in store: SharedStore,
        deliver: @escaping @Sendable (ObjectBytes) async throws(StoreError) -> Void
    ) {
        self.store = store
        self.request = request
        self.checksum = checksum
        self.announced = announced
        self.deliver = deliver
        isSmall = announced.map { $0 <= Self.smallBytes } ?? false
        intake = ByteIntake(rule, threads: store.workers)
        digests = Mutex(
            PieceDigests(
                whole: hasher, object: isFirst ? nil : BlobHasher(),
                checksum: checksum.map { ChecksumHasher($0.algorithm) }))
        store.meters.openUploads.add(1)
    }

    deinit {
        leavePlace()
        store.meters.openUploads.add(-1)
    }

    // MARK: Its place

    /// From now on its place can be taken; `ending` ends the request then.
    func offerPlace(ending: @escaping @Sendable () async -> Void) {
        store.uploads.offer(request, now: store.now(), ending: ending)
    }

    /// All bytes are there: from now on its place cannot be taken. False where it was.
    @discardableResult
    func holdPlace() -> Bool { store.uploads.hold(request) }

    func leavePlace() { store.uploads.leave(request) }

    // MARK: While bytes come

    /// Bytes received, including those of earlier requests.
    var received: Int64 { intake.received }

    /// Judges the next bytes; throws what refuses them, or that the request has lost its place.
    func judge(_ bytes: [UInt8]) throws(StoreError) {
        guard store.uploads.note(request, of: nil, now: store.now()) else { throw StoreError.noPlaceInProgress }
        try intake.judge(bytes)
    }

    /// Takes bytes that were judged. Throws if earlier ones could not be stored.
    func take(_ bytes: [UInt8]) async throws(StoreError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let room = Int(ObjectRow.limitBytes - filling.withLock { $0.bytes })
            // Nearly always all of them.
            let part = bytes.count <= room && rest.count == bytes.count ? bytes : Array(rest.prefix(room))
            let isEnough = intake.gather(part)
            filling.withLock { $0.bytes += Int64(part.count) }
            rest = rest.dropFirst(part.count)
            if part.count == room {
                if let object = try await takeObject() { try await hand(object) }
            } else if isEnough, !isSmall {
                try await passOn()
            }
        }
    }

    /// Lets threads hash and spool what was gathered.
    private func passOn() async throws(StoreError) {
        try await intake.drain()
        let pieces = try intake.pass()
        intake.start { () throws(StoreError) in self.digests.withLock { $0.update(pieces) } }
        intake.start { () throws(StoreError) in try self.spool(pieces) }
    }

    /// Blocks its thread.
    private func spool(_ pieces: [[UInt8]]) throws(StoreError) {
        let known = filling.withLock { $0.file }
        let file: SpoolFile
        if let known {
            file = known
        } else {
            let bytes = min(announced ?? ObjectRow.limitBytes, ObjectRow.limitBytes)
            file = try SpoolFile(for: bytes, in: store.spools)
            filling.withLock { $0.file = file }
        }
        for piece in pieces { try file.write(piece) }
        try store.reach(.bytesSpooled)
    }

    // MARK: Objects

    /// What has come since the last object; nil where that is nothing. The next object begins.
    func takeObject() async throws(StoreError) -> ObjectBytes? {
        try await intake.drain()
        let rest = try intake.pass()
        let (file, size) = filling.withLock { filling in
            defer { (filling.file, filling.bytes) = (nil, 0) }
            return (filling.file, filling.bytes)
        }
        if size == 0 { return nil }
        if size <= Self.hashedInPlace { return try end(rest, file, size) }
        return try await store.workers.run { () throws(StoreError) in try self.end(rest, file, size) }
    }

    /// May block its thread.
    private func end(_ rest: [[UInt8]], _ file: SpoolFile?, _ size: Int64) throws(StoreError) -> ObjectBytes {
        let digest = digests.withLock { digests in
            digests.update(rest)
            return digests.takeObject()
        }
        guard let digest else { throw .uploadIsOver }
        if let file {
            for piece in rest { try file.write(piece) }
            return ObjectBytes(place: .file(file), size: size, digest: digest)
        }
        let bytes = rest.count == 1 ? rest[0] : rest.flatMap { $0 }
        return ObjectBytes(place: .memory(bytes), size: size, digest: digest)
    }

    /// Delivers an object while the next ones come, once the one before is delivered.
    private func hand(_ object: ObjectBytes) async throws(StoreError) {
        try await waitForDelivery()
        let sending = Task { [deliver] in
            await Result { () async throws(StoreError) in try await deliver(object) }
        }
        filling.withLock { $0.sending = sending }
    }

    /// Waits until every object that was handed on is delivered. Throws where one was not.
    func waitForDelivery() async throws(StoreError) {
        guard let sending = filling.withLock({ $0.sending }) else { return }
        try await sending.value.get()
    }

    // MARK: Ends

    /// Judges the whole once the last byte is there.
    func finish() throws(StoreError) { try intake.finish() }

    /// Throws `.wrongChecksum` where the bytes of this request, all taken by now, have another.
    func verifyChecksum() throws(StoreError) {
        guard let checksum else { return }
        guard digests.withLock({ $0.checksum?.matches(checksum) ?? false }) else { throw .wrongChecksum }
    }

    /// The digest of all bytes that were taken to objects, if this node has seen them.
    var hasher: BlobHasher? { digests.withLock { $0.whole } }

    /// Drops what is not delivered, and frees the request's place. What is on its way is given up, and waited for.
    func close() async {
        leavePlace()
        intake.end()
        let sending = filling.withLock { filling in
            filling.file = nil
            return filling.sending.take()
        }
        sending?.cancel()
        _ = await sending?.value
    }
}

extension Result where Failure == StoreError {
    init(_ body: () async throws(StoreError) -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
