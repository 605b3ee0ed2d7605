import Blobs
import StoreRules

/// How far a copy has come, or what it came to.
package struct CopyReport: Codable, Sendable, Hashable {
    /// Blobs that were looked at, gone ones too.
    package var blobs = 0
    /// Those of them whose rows were not the same, and those that the source had forgotten.
    package var blobsChanged = 0
    package var blobsDropped = 0
    package var bytesCopied: Int64 = 0
    /// Blobs whose bytes were not what they should be: they are damaged where they were copied to as well.
    package var damaged = 0
    /// Uploads, bans and subjects that were not the same.
    package var uploads = 0
    package var bans = 0
    package var subjects = 0

    package init() {}

    /// Whether both were the same already.
    package var isSame: Bool { blobsChanged + blobsDropped + damaged + uploads + bans + subjects == 0 }
}

/// What has to be done so that a run of addresses is in one store what it is in another. Both lists are in the order of the
/// addresses.
struct CopyDifference {
    /// What is not there as it is here.
    private(set) var changed: [BlobRecord] = []
    /// Those of them whose bytes are not there.
    private(set) var missing: [BlobRow] = []
    /// What is there and not here.
    private(set) var dropped: [BlobAddress] = []

    var isEmpty: Bool { changed.isEmpty && dropped.isEmpty }

    init(source: [BlobRecord], sink: [BlobRecord]) {
        let there = Dictionary(sink.map { ($0.row.address, $0) }) { first, _ in first }
        for record in source {
            let former = there[record.row.address]
            if former == record { continue }
            changed.append(record)
            guard record.row.state == .held else { continue }
            if former?.row.state != .held || former?.row.size != record.row.size { missing.append(record.row) }
        }
        let here = Set(source.map(\.row.address))
        dropped = sink.map(\.row.address).filter { !here.contains($0) }
    }
}

extension BlobRecord {
    /// The same of a blob whose bytes are not what they should be.
    var damaged: BlobRecord {
        var row = row
        row.state = .damaged
        return BlobRecord(row: row, leases: leases)
    }
}
