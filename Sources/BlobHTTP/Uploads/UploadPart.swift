import Blobs
package import Store

/// What one request brings to a resumable upload, as its fields tell, whatever dialect they are in.
package struct UploadPart: Hashable, Sendable {
    /// How it is known that the last byte has come.
    package enum Ending: Hashable, Sendable {
        /// The request says whether its bytes are the last ones.
        case told(isLast: Bool)
        /// The last byte is the one that makes the length full.
        case atLength
    }

    /// Where its bytes begin.
    package var offset: Int64
    /// How many there are; nil while only their end will tell.
    package var count: Int64?
    /// The length of the whole, where the request tells it.
    package var length: Int64?
    package var ending: Ending
    /// What the bytes must add up to.
    package var checksum: UploadChecksum?

    package init(
        offset: Int64 = 0, count: Int64?, length: Int64? = nil, ending: Ending, checksum: UploadChecksum? = nil
    ) {
        self.offset = offset
        self.count = count
        self.length = length
        self.ending = ending
        self.checksum = checksum
    }

    /// The part as the store is asked to take it.
    var append: UploadAppend { UploadAppend(offset: offset, length: length, checksum: checksum) }

    /// Where its bytes end; nil where that is not told, or is more than can be counted.
    private var end: Int64? {
        guard let count else { return nil }
        let (end, isTooLarge) = offset.addingReportingOverflow(count)
        return isTooLarge ? nil : end
    }

    /// Refuses a part that goes beyond the length of the whole, or says it is the last and ends before it.
    package func judge(length: Int64?) throws(Problem) {
        guard let length, count != nil else { return }
        guard let end, end <= length, end == length || ending != .told(isLast: true) else {
            throw Problem(.wrongLength, limit: length)
        }
    }

    /// Whether the whole is there once the upload stands at `offset`.
    package func completes(at offset: Int64, length: Int64?) -> Bool {
        switch ending {
        case .told(let isLast): isLast
        case .atLength: offset == length
        }
    }

    /// Refuses a part of an upload that is committed, unless it can be the one that completed it: its answer may have
    /// been lost.
    package func judge(committed size: Int64) throws(Problem) {
        switch ending {
        case .told(isLast: true):
            guard count == nil || end == size else { throw Problem(.wrongLength, limit: size) }
        case .told(isLast: false): throw Problem(.uploadComplete)
        case .atLength:
            guard offset == size else { throw Problem(StoreError.wrongOffset(size), in: self) }
            guard count ?? 0 == 0 else { throw Problem(.wrongLength, limit: size) }
        }
    }
}

/// What a request that begins a resumable upload asks for.
package struct UploadCreation: Sendable {
    package var announcement: UploadAnnouncement
    /// Its own bytes, which may be none; nil where they come with other requests.
    package var part: UploadPart?
}
