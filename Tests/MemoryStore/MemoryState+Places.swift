import Blobs
import Store
import StoreRules

/// Who has uploads under way, and what room there is for them.
extension MemoryState {
    /// What one subject has under way.
    struct Share: Sendable {
        var uploads = 0
        var bytes: Int64 = 0
    }

    func share(of subject: String) -> Share {
        places.values.reduce(into: Share()) { share, place in
            guard place.subject == subject else { return }
            share.uploads += 1
            share.bytes += place.bytes
        }
    }

    /// Judges an upload before its first byte and takes a place for it.
    mutating func admit(
        _ announcement: UploadAnnouncement, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) -> (rule: UploadRule, place: Int) {
        let terms = announcement.terms
        _ = try LeaseRule.lifetime(terms, limits: settings.limits)
        let rule = try UploadRule(
            announced: announcement.size, acceptance: settings.acceptance, limitBytes: settings.blobLimitBytes)
        let before = share(of: terms.subject)
        guard places.count < settings.openUploads else { throw Self.full("uploads open") }
        guard before.uploads < settings.openUploadsPerSubject else { throw Self.full("uploads open of this subject") }
        try judge(
            AdmitLease(
                address: announcement.address, size: announcement.size, terms: terms, bytesUnderWay: before.bytes,
                limits: settings.limits), at: now)
        guard hasRoom(announcement.size ?? 0, settings) else { throw .diskFull }
        let place = newNumber()
        places[place] = Place(subject: terms.subject, bytes: Self.charge(announcement.size ?? 0))
        return (rule, place)
    }

    private static func full(_ limit: String) -> StoreError { .busy(limit: limit, retryAfterSeconds: 5) }

    /// What an upload of so many bytes will be charged; sums of it stay far from the end of the numbers.
    private static func charge(_ size: Int64) -> Int64 { min(Usage.bytes(for: size), 1 << 50) }

    /// The upload at `place` will be charged for `size` bytes.
    mutating func resize(_ place: Int, to size: Int64) {
        places[place]?.bytes = Self.charge(size)
    }

    /// Takes up what lasted: open uploads have their places again, and nobody is at work on them.
    mutating func open(_ generations: GenerationTable) {
        (places, sessions, openUploads, suspects, gcStatus) = ([:], [:], [:], [], GCStatus())
        self.generations = generations
        for upload in catalog.uploads.values where upload.isOpen {
            let place = newNumber()
            places[place] = Place(
                subject: upload.announcement.terms.subject, bytes: Self.charge(upload.length ?? upload.offset))
            openUploads[upload.id] = OpenUpload(place: place)
        }
    }

    // MARK: Room

    /// Whether `bytes` more fit beside what is there and what uploads under way may still bring.
    func hasRoom(_ bytes: Int64, _ settings: MemoryStoreSettings) -> Bool {
        let (left, overflow) = freeBytes(settings).subtractingReportingOverflow(promisedBytes)
        return !overflow && bytes <= left
    }

    /// Bytes that there is room for.
    func freeBytes(_ settings: MemoryStoreSettings) -> Int64 {
        let used = [Array(blobs.values), Array(staged.values), sessions.values.map(\.bytes)].joined()
            .reduce(Int64(0)) { $0 + Int64($1.count) }
        return settings.capacityBytes - used
    }

    /// Bytes that uploads under way may still bring.
    var promisedBytes: Int64 {
        let plain = sessions.values.filter { $0.continued == nil }.map { session in
            Self.left(of: session.announcement.size, after: session.bytes.count)
        }
        let open = openUploads.map { id, upload in
            let session = upload.session.flatMap { sessions[$0] }
            let length = session?.continued?.length ?? catalog.uploads[id]?.length
            return Self.left(of: length, after: (staged[id]?.count ?? 0) + (session?.bytes.count ?? 0))
        }
        return (plain + open).reduce(0, +)
    }

    private static func left(of size: Int64?, after count: Int) -> Int64 { max((size ?? 0) - Int64(count), 0) }
}

extension ResumableUpload {
    var isOpen: Bool { if case .open = state { true } else { false } }
}
