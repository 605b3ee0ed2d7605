import Blobs
import Objects
import Store

/// Whose objects a bucket holds, by the object `v1/STORE`:
///
///     record = "satchel objects 1" LF "store " 32HEX LF
enum BucketIdentity {
    private static let format = "satchel objects 1"

    static func record(_ identity: StoreIdentity) -> [UInt8] { Array("\(format)\nstore \(identity)\n".utf8) }

    /// The exact inverse of `record`; nil for anything else.
    static func parse(_ record: [UInt8]) -> StoreIdentity? {
        let lines = String(decoding: record, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 3, lines[0] == format, lines[1].hasPrefix("store "), lines[2].isEmpty else { return nil }
        return StoreIdentity(hex: lines[1].dropFirst(6))
    }

    /// What follows for a start.
    enum IdentityVerdict: Hashable {
        /// Database and bucket belong together.
        case match
        /// Both are new: the bucket gets the database's name.
        case claim
        /// They do not belong together, for this reason.
        case mismatch(String)
    }

    /// - Parameters:
    ///   - record: what the bucket says; nil where it says nothing.
    ///   - isDatabaseEmpty: whether the database has never held anything.
    ///   - hasObjects: whether there are objects in the bucket that look like a store's.
    static func judge(
        _ identity: StoreIdentity, record: [UInt8]?, isDatabaseEmpty: Bool, hasObjects: Bool
    ) -> IdentityVerdict {
        if let record {
            guard let found = parse(record) else { return .mismatch("what it says of its store cannot be read") }
            if found == identity { return .match }
            return .mismatch("the bucket belongs to store \(found) and the database to store \(identity)")
        }
        guard isDatabaseEmpty else {
            return .mismatch("the database belongs to store \(identity), and the bucket says nothing of it")
        }
        return hasObjects ? .mismatch("the database is new, and the bucket is not") : .claim
    }
}
