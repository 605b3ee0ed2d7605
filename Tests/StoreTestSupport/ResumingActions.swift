package import Blobs
package import Store

/// What tests of resumable uploads say most often.
extension LeaseStore {
    /// Begins an upload of `bytes`, announced whole unless said otherwise.
    package func create(
        _ bytes: [UInt8], owner: Secret? = nil, subject: String = "somebody", announcesLength: Bool = true,
        address announced: BlobAddress? = nil
    ) async throws(StoreError) -> ResumableUpload {
        try await create(
            UploadAnnouncement(
                size: announcesLength ? Int64(bytes.count) : nil, address: announced ?? address(of: bytes),
                terms: LeaseTerms(owner: owner?.hash, subject: subject)))
    }

    /// A session at `offset`; an upload that has ended is an issue.
    package func session(
        _ id: UploadID, at offset: Int64, length: Int64? = nil, checksum: UploadChecksum? = nil
    ) async throws -> any ResumableSession {
        let append = UploadAppend(offset: offset, length: length, checksum: checksum)
        switch try await resume(id, with: append) {
        case .ready(let session): return session
        case .finished(let upload): throw Unexpected(what: "the upload has ended: \(upload.state)")
        }
    }

    /// Brings `bytes` in one request and tells how the upload stands then.
    @discardableResult
    package func bring(
        _ bytes: some Sequence<UInt8>, to id: UploadID, at offset: Int64, length: Int64? = nil
    ) async throws -> ResumableUpload {
        let session = try await session(id, at: offset, length: length)
        try await session.append(Array(bytes))
        return try await session.pause()
    }

    /// Tries the end of an upload that is all there.
    package func finish(_ id: UploadID, at offset: Int64) async throws -> StoredBlob {
        try await session(id, at: offset).commit()
    }

    /// Where the upload stands.
    package func offset(of id: UploadID) async throws -> Int64 { try await upload(id).offset }
}

/// Something that a test did not expect to come by.
package struct Unexpected: Error {
    package let what: String

    package init(what: String) {
        self.what = what
    }
}

extension ResumableUpload {
    /// The blob that it became; nil for any other state.
    package var blob: StoredBlob? { if case .committed(let blob) = state { blob } else { nil } }

    /// Why it was refused; nil for any other state.
    package var refusal: StoreError? { if case .refused(let error) = state { error } else { nil } }

    package var isOpen: Bool { if case .open = state { true } else { false } }
}
