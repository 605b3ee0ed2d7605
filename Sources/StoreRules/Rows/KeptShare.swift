import Blobs
package import Store

/// What the open uploads of one subject come to that outlive their requests.
package struct KeptShare: Sendable, Hashable {
    package var uploads: Int
    /// Bytes that they will be charged (`ResumableUpload.keptBytes`).
    package var bytes: Int64

    package init(uploads: Int = 0, bytes: Int64 = 0) {
        self.uploads = uploads
        self.bytes = bytes
    }
}

extension ResumableUpload {
    /// The most that one upload is counted with: more than any store holds, and so little that sums stay numbers.
    package static let keptBytesLimit: Int64 = 1 << 50

    /// Bytes that its subject is charged while it is open: for all of it where its length is known, else for what is there.
    package var keptBytes: Int64 {
        guard case .open = state, length != nil || offset > 0 else { return 0 }
        return min(Usage.bytes(for: length ?? offset), Self.keptBytesLimit)
    }
}

extension CatalogPage {
    /// Loads what the open uploads of a subject come to as they are stored: together with what the subject holds.
    package mutating func load(_ share: KeptShare, keptBy subject: String) {
        guard kept.peek(subject) == nil else { return }
        var share = share
        for entry in uploads.changed {
            share.count(entry.stored, of: subject, by: -1)
            share.count(entry.current, of: subject, by: 1)
        }
        _ = kept.load(subject, share)
    }

    /// What the open uploads of a subject come to by now; nil where the catalog does not count them, since whoever uses it
    /// does so by itself.
    package mutating func kept(by subject: String) -> KeptShare? {
        // Loaded with what it holds.
        _ = usages.row(subject)
        return kept.peek(subject)
    }

    /// Bytes that the open uploads of a subject have reserved, but for the one named.
    mutating func keptBytes(of subject: String, except id: UploadID?) -> Int64 {
        guard let share = kept(by: subject) else { return 0 }
        let own = id.flatMap { uploads.row($0) }.map { $0.announcement.terms.subject == subject ? $0.keptBytes : 0 }
        return max(share.bytes - (own ?? 0), 0)
    }

    /// Writes down how an upload stands; nil forgets it.
    mutating func set(_ upload: ResumableUpload?, for id: UploadID) {
        count(uploads.peek(id), by: -1)
        count(upload, by: 1)
        uploads.set(upload, for: id)
    }

    private mutating func count(_ upload: ResumableUpload?, by one: Int) {
        guard let subject = upload?.announcement.terms.subject, var share = kept.peek(subject) else { return }
        share.count(upload, of: subject, by: one)
        kept.set(share, for: subject)
    }
}

extension KeptShare {
    /// Counts an upload in, or out again with -1, if it is open and that subject's.
    fileprivate mutating func count(_ upload: ResumableUpload?, of subject: String, by one: Int) {
        guard let upload, case .open = upload.state, upload.announcement.terms.subject == subject else { return }
        uploads += one
        bytes += Int64(one) * upload.keptBytes
    }
}
