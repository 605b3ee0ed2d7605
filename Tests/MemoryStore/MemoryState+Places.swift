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

    /// Judges an upload before its first byte and takes a place for it, and one among the requests for `number`.
    mutating func admit(
        _ announcement: UploadAnnouncement, keeping id: UploadID? = nil, as number: Int,
        _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) -> (rule: UploadRule, place: Int) {
        let terms = announcement.terms
        _ = try settings.limits.lifetime(for: terms)
        let rule = try UploadRule(
            announced: announcement.size, acceptance: announcement.acceptance ?? settings.acceptance,
            limitBytes: settings.blobLimitBytes)
        let before = share(of: terms.subject)
        guard terms.isShared || before.uploads < settings.openUploadsPerSubject else { throw .noPlaceOfSubject }
        let keeping = id == nil ? .free : kept.decide(for: terms.subject)
        if keeping == .refused { throw .noPlaceToKeep }
        if requests.decide(for: terms.subject) == .refused { throw .noPlaceInProgress }
        try judge(
            AdmitLease(
                address: announcement.address, size: announcement.size, terms: terms, bytesUnderWay: before.bytes,
                uploadsUnderWay: id == nil ? nil : before.uploads, limits: settings.limits), at: now)
        guard hasRoom(announcement.size ?? 0, settings) else { throw .diskFull }
        try enter(number, of: terms.subject, settings, at: now)
        if keeping == .taken, let loser = kept.first { try drop(loser, at: now) }
        if let id { kept.enter(id, of: terms.subject) }
        let place = newNumber()
        places[place] = Place(
            subject: terms.subject, bytes: Self.charge(announcement.size, written: 0))
        return (rule, place)
    }

    /// Takes a place among the requests.
    mutating func enter(
        _ number: Int, of subject: String, _ settings: MemoryStoreSettings, at now: Timestamp
    ) throws(StoreError) {
        switch requests.decide(for: subject) {
        case .free: break
        case .taken: if let loser = requests.first { lose(loser, settings, at: now) }
        case .refused: throw .noPlaceInProgress
        }
        requests.enter(number, of: subject)
        requests.rank(number, UploadStanding(hasBytes: false, latest: now))
    }

    /// Ends a session whose place another one takes; what it brought counts where it can.
    private mutating func lose(_ number: Int, _ settings: MemoryStoreSettings, at now: Timestamp) {
        if let session = sessions[number], session.continued == nil { places[session.place] = nil }
        if sessions[number]?.continued?.checksum == nil { try? keep(number, settings, at: now) }
        end(number)
        lost.insert(number)
    }

    /// What an upload will be charged of which `written` bytes are there; sums of it stay far from the end of the numbers.
    static func charge(_ length: Int64?, written: Int64) -> Int64 {
        let size = length ?? written
        return size == 0 && length == nil ? 0 : min(Usage.bytes(for: size), 1 << 50)
    }

    /// The upload at `place` will be charged for its length, or else for what is there.
    mutating func resize(_ place: Int, to length: Int64?, written: Int64) {
        places[place]?.bytes = Self.charge(length, written: written)
    }

    /// Bytes that the other uploads of a subject will be charged.
    func bytesOfOthers(than place: Int) -> Int64 {
        guard let place = places[place] else { return 0 }
        return share(of: place.subject).bytes - place.bytes
    }

    /// Takes up what lasted: open uploads have their places again, and nobody is at work on them.
    mutating func open(_ generations: GenerationTable, _ changes: ChangeRing, _ settings: MemoryStoreSettings) {
        (places, sessions, lost, openUploads, suspects, gcStatus) = ([:], [:], [], [:], [], GCStatus())
        requests = UploadPlaces(limit: settings.openUploads, sparesBytes: true)
        kept = UploadPlaces(limit: settings.keptUploads, sparesBytes: false)
        self.generations = generations
        self.changes = changes
        for upload in catalog.uploads.values where upload.isOpen {
            let (place, subject) = (newNumber(), upload.announcement.terms.subject)
            places[place] = Place(
                subject: subject, bytes: Self.charge(upload.length, written: upload.offset))
            openUploads[upload.id] = OpenUpload(place: place)
            kept.enter(upload.id, of: subject)
            let latest = upload.expires.seconds - settings.uploadLifetime.seconds
            kept.rank(
                upload.id, UploadStanding(hasBytes: upload.offset > 0, latest: Timestamp(seconds: latest)))
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
