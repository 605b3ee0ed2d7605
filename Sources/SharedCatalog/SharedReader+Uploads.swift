package import Blobs
package import Store
package import StoreRules

/// An open upload that takes a place.
package struct UploadPlace: Sendable, Hashable {
    package let id: UploadID
    package let subject: String
    /// How many places its subject takes.
    package let places: Int
    package let hasBytes: Bool
    package let expires: Timestamp
}

/// Uploads that outlive their requests.
extension SharedReader {
    /// How an upload stands; nil for one never made, or forgotten.
    package func upload(_ id: UploadID) throws(SharedCatalogError) -> KeptUpload? { fatalError("being written") }

    /// The next open uploads in the order of their ids, at most `pageRows`; from the first where `id` is nil.
    package func openUploads(after id: UploadID?) throws(SharedCatalogError) -> [KeptUpload] {
        fatalError("being written")
    }

    /// Uploads whose time is up at `now`, finished ones too, soonest first, from behind `previous` on.
    package func dueUploads(
        at now: Timestamp, after previous: ResumableUpload?, limit: Int
    ) throws(SharedCatalogError) -> [KeptUpload] {
        fatalError("being written")
    }

    /// The number of open uploads, and of the bytes that are here of them.
    package func openUploadSum() throws(SharedCatalogError) -> BlobTotal { fatalError("being written") }

    /// What a subject's open uploads come to.
    package func kept(of subject: String) throws(SharedCatalogError) -> KeptShare { fatalError("being written") }

    /// The open upload that is the first to lose its place: of the subject that has the most, one without bytes, the one
    /// that waits longest.
    package func firstToLose() throws(SharedCatalogError) -> UploadPlace? { fatalError("being written") }
}
