import BlobFiles
import Blobs
import DiskStore
import Store
import StoreRules
import Synchronization

/// The bytes of one upload on their way to the disk: judged as they come, gathered to pieces, hashed and written side by
/// side. It owns the staged file and the upload's share of the disk. Used by one task at a time.
final class UploadBytes: Sendable {
    /// Bytes that are passed on together, where nothing is in their way; no small upload has more.
    static let gatherBytes = Int(StagedFile.smallBytes)
    /// Bytes that wait in memory while those before are hashed and written: the faster they come the fewer changes of
    /// threads they cost.
    private static let waitingBytes = 512 << 10

    /// What comes in, judged and not yet passed on.
    private struct Intake {
        var rule: UploadRule
        var gathered: [[UInt8]] = []
        var gatheredBytes = 0

        /// Keeps `bytes`, together with what came before them where both are few.
        mutating func gather(_ bytes: [UInt8]) {
            gatheredBytes += bytes.count
            if let last = gathered.indices.last, gathered[last].count + bytes.count <= UploadBytes.gatherBytes {
                gathered[last] += bytes
            } else {
                gathered.append(bytes)
            }
        }

        /// Gives what was gathered, and has nothing then.
        mutating func pass() -> [[UInt8]] {
            defer { (gathered, gatheredBytes) = ([], 0) }
            return gathered
        }
    }

    private let gathersAll: Bool
    /// Nil once the bytes are given up.
    private let intake: Mutex<Intake?>
    /// Nil where the address has to be read off the file, since what came before is not known here.
    private let hasher: Mutex<BlobHasher?>
    private let checksum: Mutex<ChecksumHasher?>
    /// Nil before a small upload is written, and once the file has its name or is given up.
    private let staging: Mutex<Staging?>
    private let isNamed = Mutex(false)
    private let flow: PieceFlow

    /// - Parameters:
    ///   - gathersAll: keeps everything until `lastPieces`: what is small comes whole.
    ///   - staging: nil for an upload that has nothing on the disk before all of it is there.
    init(
        rule: UploadRule, gathersAll: Bool, hasher: BlobHasher?, checksum: ChecksumHasher? = nil,
        staging: consuming Staging?, workers: Workers
    ) {
        self.gathersAll = gathersAll
        intake = Mutex(Intake(rule: rule))
        self.hasher = Mutex(hasher)
        self.checksum = Mutex(checksum)
        self.staging = Mutex(staging)
        flow = PieceFlow(workers: workers)
    }

    /// Takes the next bytes; throws what judging them or writing earlier ones came to.
    func append(_ bytes: [UInt8]) async throws(StoreError) {
        guard let pieces = try take(bytes) else { return }
        try await flow.send {
            self.hash(pieces)
        } write: { () throws(StoreError) in
            try self.write(pieces)
        }
    }

    /// Waits until nothing is under way.
    func drain() async throws(StoreError) { try await flow.drain() }

    /// Bytes taken, those included that were there before.
    var received: Int64 { intake.withLock { $0?.rule.received ?? 0 } }

    // MARK: What blocks

    /// Hashes what was gathered last; judges the length where `isWhole`. What is left to write is for `write(_:)`.
    func lastPieces(isWhole: Bool) throws(StoreError) -> [[UInt8]] {
        let pieces = try intake.withLock { intake throws(StoreError) in
            guard var current = intake else { throw StoreError.isOver }
            if isWhole { try current.rule.finish() }
            defer { intake = current }
            return current.pass()
        }
        hash(pieces)
        return pieces
    }

    /// Adds pieces to the file, one after another.
    func write(_ pieces: [[UInt8]]) throws(StoreError) {
        try onStaging { staging throws(StoreError) in
            for piece in pieces { try staging.write(piece) }
        }
    }

    /// Gives a small upload its file, now that all of it is there.
    func begin(_ staging: consuming Staging) {
        var new: Staging? = staging
        self.staging.withLock { $0 = new.take() }
    }

    /// The address of everything taken, read off the file where it is not known.
    func address() throws(StoreError) -> BlobAddress {
        if let address = hasher.withLock({ $0?.address() }) { return address }
        var address: BlobAddress?
        try onStaging { staging throws(StoreError) in address = try staging.address() }
        guard let address else { throw .isOver }
        return address
    }

    /// Throws `.wrongChecksum` if what this request brought does not add up.
    func verify(_ checksum: UploadChecksum?) throws(StoreError) {
        guard let checksum else { return }
        guard self.checksum.withLock({ $0?.matches(checksum) ?? false }) else { throw .wrongChecksum }
    }

    /// Does something to the staged file. After a throw too the file stays, until a thread that may block gives it up.
    func onStaging(_ body: (inout Staging) throws(StoreError) -> Void) throws(StoreError) {
        try staging.withLock { staging throws(StoreError) in
            guard var current = staging.take() else { throw StoreError.isOver }
            let result = Result { () throws(StoreError) in try body(&current) }
            staging = consume current
            try result.get()
        }
    }

    /// Gives the file its name, unless it has it from an attempt that met a full disk.
    func name(_ path: String) throws(StoreError) {
        try isNamed.withLock { isNamed throws(StoreError) in
            if isNamed { return }
            try staging.withLock { staging throws(StoreError) in
                guard let current = staging.take() else { throw StoreError.isOver }
                try current.place(at: path)
            }
            isNamed = true
        }
    }

    /// Lets everything go; tells what is known of the digest.
    @discardableResult
    func release() -> BlobHasher? {
        intake.withLock { $0 = nil }
        staging.withLock { $0 = nil }
        return hasher.withLock { $0.take() }
    }

    /// Lets the file go and keeps its share of the disk.
    func park() -> (BlobHasher?, ParkedSpace?) {
        let space: ParkedSpace? = staging.withLock { staging in
            guard let current = staging.take() else { return nil }
            return ParkedSpace(current.park())
        }
        return (release(), space)
    }

    // MARK: Pieces

    /// Judges the bytes and gathers them; gives what is to be hashed and written now.
    private func take(_ bytes: [UInt8]) throws(StoreError) -> [[UInt8]]? {
        let enough = flow.isIdle ? Self.gatherBytes : Self.waitingBytes
        return try intake.withLock { intake throws(StoreError) in
            guard var current = intake else { throw StoreError.isOver }
            intake = nil
            try current.rule.take(bytes)
            current.gather(bytes)
            defer { intake = current }
            return gathersAll || current.gatheredBytes < enough ? nil : current.pass()
        }
    }

    private func hash(_ pieces: [[UInt8]]) {
        for piece in pieces {
            hasher.withLock { $0?.update(piece) }
            checksum.withLock { $0?.update(piece) }
        }
    }
}

/// A share of the disk that waits for the next request of its upload.
final class ParkedSpace: Sendable {
    private let space: Mutex<Reservation?>

    init(_ space: consuming Reservation) { self.space = Mutex(space) }

    /// Gives the share to whoever asks first.
    func take() -> Reservation? { space.withLock { $0.take() } }
}

extension StoreError {
    /// Something was asked of an upload that has ended.
    static let isOver = StoreError.unavailable("the upload is over")
}
