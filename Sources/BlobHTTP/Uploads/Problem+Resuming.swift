import Blobs
import Store

extension Problem {
    /// What is told of an error about a resumable upload where a plain one would be told something else; nil where it
    /// is the same.
    init?(resuming error: StoreError, in part: UploadPart?) {
        switch error {
        case .wrongOffset(let offset):
            self.init(storeError: error)
            offsets = part.map { Offsets(expected: offset, provided: $0.offset) }
        case .lengthMismatch(let announced, _): self.init(.wrongLength, limit: announced)
        case .digestMismatch(let announced, let actual):
            self.init(.uploadDigestMismatch, detail: "Announced \(announced.hex), received \(actual.hex).")
        default: return nil
        }
    }

    /// What is told of any error about a resumable upload.
    init(_ error: StoreError, in part: UploadPart?) {
        self = Problem(resuming: error, in: part) ?? Problem(storeError: error)
    }
}
