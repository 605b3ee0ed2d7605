package import Blobs
package import Store
package import StoreRules

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

    /// The number of a subject's open uploads, and of the bytes that they will be, or are where that is not known.
    package func openUploadSum(of subject: String) throws(SharedCatalogError) -> BlobTotal {
        fatalError("being written")
    }
}
