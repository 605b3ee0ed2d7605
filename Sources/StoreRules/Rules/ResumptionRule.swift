package import Store

/// Whether a request fits to where an upload stands.
package enum ResumptionRule {
    /// The length of the whole as it is known with what the request tells; `.wrongOffset`, `.wrongLength` or `.tooLarge`
    /// where it cannot go on so.
    package static func length(
        of upload: ResumableUpload, with append: UploadAppend, limitBytes: Int64
    ) throws(StoreError) -> Int64? {
        guard append.offset == upload.offset else { throw .wrongOffset(upload.offset) }
        guard let told = append.length else { return upload.length }
        guard told >= upload.offset, upload.length == nil || upload.length == told else { throw .wrongLength }
        guard told <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
        return told
    }
}

extension ResumableUpload {
    /// The same with what is known of its length by now.
    package func with(length: Int64?) -> ResumableUpload {
        ResumableUpload(
            id: id, state: state, length: length, offset: offset, announcement: announcement, expires: expires)
    }
}
