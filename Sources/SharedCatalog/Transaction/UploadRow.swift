import Blobs
import Store
import StoreRules

/// An upload as its row has it.
struct UploadRow {
    let upload: ResumableUpload
    /// Nil once it is finished.
    let objects: UploadObjects?

    /// As `init(_:)` reads them.
    static let columns = """
        id, state, subject, size, received, announced, owner, receipts, lifetime, recipients, largest_bytes, \
        longest_seconds, expires, address, uploaded, held_until, is_new, refusal, list, turn
        """

    init(_ row: ResultRow) throws(SharedCatalogError) {
        let length = row.optionalNumber(3)
        upload = ResumableUpload(
            id: try row.value(0), state: try ResumableUpload.State(row), length: length, offset: try row.number(4),
            announcement: UploadAnnouncement(
                size: length, address: try row.optionalAddress(5), terms: try LeaseTerms(row)),
            expires: try row.time(12))
        if let list: ObjectID = try row.optionalValue(18) {
            objects = UploadObjects(list: list, turn: try row.number(19))
        } else {
            objects = nil
        }
    }

    init(_ upload: ResumableUpload, _ objects: UploadObjects?) {
        self.upload = upload
        self.objects = objects
    }

    /// The exact inverse.
    func append(to table: inout ColumnTable) throws(SharedCatalogError) {
        let terms = upload.announcement.terms
        var blob: StoredBlob?
        var refusal: String?
        switch upload.state {
        case .open: break
        case .committed(let stored): blob = stored
        case .refused(let error):
            guard let words = error.refusal else { throw .failed("the database: a refusal that passes") }
            refusal = words
        }
        table.append(
            .of(upload.id as UploadID?), .of(upload.state.number), .text(terms.subject), .of(upload.length),
            .number(upload.offset), .of(upload.announcement.address), .of(terms.owner),
            .bytes(terms.receipts.flatMap(\.bytes)), .of(terms.lifetime), .of(terms.recipients),
            .of(terms.entitlement.largestBytes), .of(terms.entitlement.longestLifetime), .of(upload.expires),
            .of(blob?.address), .of(blob?.uploaded), .of(blob?.expires), blob.map { .flag($0.isNews) } ?? .null,
            .of(refusal), .of(objects?.list), .number(objects?.turn ?? 0))
    }

    /// A table for such rows.
    static var table: ColumnTable {
        ColumnTable(
            .bytes, .number, .text, .number, .number, .bytes, .bytes, .bytes, .number, .number, .number, .number,
            .number, .bytes, .number, .number, .flag, .text, .uuid, .number)
    }
}

extension ResumableUpload.State {
    private static let openNumber = 1
    private static let committedNumber = 2
    private static let refusedNumber = 3

    fileprivate var number: Int {
        switch self {
        case .open: Self.openNumber
        case .committed: Self.committedNumber
        case .refused: Self.refusedNumber
        }
    }

    fileprivate init(_ row: ResultRow) throws(SharedCatalogError) {
        switch try row.int(1) {
        case Self.openNumber: self = .open
        case Self.committedNumber:
            self = .committed(
                StoredBlob(
                    address: try row.address(13), size: try row.number(4), isNew: try row.flag(16),
                    uploaded: try row.time(14), expires: try row.time(15)))
        case Self.refusedNumber:
            self = .refused(try row.required(row.optionalText(17).flatMap { StoreError(refusal: $0) }, 17))
        default: throw .failed("the database: an upload in an unknown state")
        }
    }
}

extension LeaseTerms {
    fileprivate init(_ row: ResultRow) throws(SharedCatalogError) {
        let receipts = try row.required(row.bytes(7), 7)
        let hashes = stride(from: 0, to: receipts.count, by: SecretHash.byteCount).compactMap {
            SecretHash(bytes: receipts.dropFirst($0).prefix(SecretHash.byteCount))
        }
        self.init(
            lifetime: row.optionalNumber(8).flatMap { Lifetime(seconds: $0) },
            recipients: row.optionalNumber(9).flatMap { Int(exactly: $0) }, owner: try row.optionalValue(6),
            receipts: hashes, subject: try row.text(2),
            entitlement: Entitlement(
                largestBytes: row.optionalNumber(10),
                longestLifetime: row.optionalNumber(11).flatMap { Lifetime(seconds: $0) }))
    }
}
