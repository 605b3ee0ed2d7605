import MediaMessage
import Transfer

/// How a resumable upload stands, as its server says: how many bytes are surely there, and where the blob is once the
/// upload is done.
struct UploadStanding: Hashable, Sendable {
    let offset: Int64
    let place: BlobURL?

    init(offset: Int64, place: BlobURL? = nil) {
        self.offset = offset
        self.place = place
    }

    /// Reads `Upload-Offset` and `Content-Location`; nil where the offset is missing or makes no sense.
    init?(_ response: HTTPResponse) {
        guard let digits = response["upload-offset"], !digits.isEmpty,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let offset = Int64(digits)
        else { return nil }
        self.init(offset: offset, place: response["content-location"].flatMap { BlobURL($0) })
    }
}
