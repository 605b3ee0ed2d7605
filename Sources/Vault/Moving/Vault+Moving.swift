package import BlobFiles
package import Blobs
package import Catalog
import DiskStore
import Files
package import Store
package import StoreParts
package import StoreRules
import Synchronization

/// A store on a disk that another one is moved into, before it is served.
extension Vault: DiskRecords, RecordSink {
    package var folders: BlobFolders { layout.folders }

    package func look<Value: Sendable>(
        _ body: @escaping @Sendable (CatalogReader) throws -> Value
    ) async throws(StoreError) -> Value {
        try await read(body)
    }

    package func work<Value: Sendable>(
        _ body: @escaping @Sendable () throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await workers.run(body)
    }

    /// It is this process's alone for as long as it is open.
    package func claim() async throws(StoreError) {}

    /// A file that is in its place. Its name is durable once names are synced.
    package struct PlacedFile: Sendable {}

    package func take(_ blob: BlobRow, from source: some RecordSource) async throws(StoreError) -> PlacedFile? {
        let incoming = try await onDisk { disk throws(FileError) in IncomingFile(try disk.files.stage()) }
        var offset: Int64 = 0
        while let range = ByteRange(
            offset: offset, count: min(RecordLimits.pieceBytes, blob.size - offset), within: blob.size)
        {
            let piece = try await source.bytes(of: blob, in: range)
            guard piece.count == range.count else { return nil }
            try await onDisk { _ throws(FileError) in try incoming.write(piece) }
            offset = range.end
        }
        return try await onDisk { _ throws(FileError) in
            try incoming.place(as: blob.address) ? PlacedFile() : nil
        }
    }

    package func replace(
        _ records: [BlobRecord], bytes: [BlobAddress: PlacedFile], dropping dropped: [BlobAddress]
    ) async throws(StoreError) {
        if !bytes.isEmpty { try await onDisk { disk throws(FileError) in try disk.files.synchronizeNames() } }
        try await make(ReplaceRecords(records, dropping: dropped))
        // Rows first: a file without one is an orphan, whatever happens now.
        let gone = dropped + records.map(\.row).filter { $0.state != .held }.map(\.address)
        if gone.isEmpty { return }
        try await onDisk { disk throws(FileError) in
            for address in gone { _ = try disk.files.unlink(address, point: .blobUnlinked) }
        }
    }

    package func replace(_ change: ReplaceUploads) async throws(StoreError) { try await make(change) }

    package func replace(_ change: ReplaceBans) async throws(StoreError) { try await make(change) }

    package func replace(_ change: ReplaceDays) async throws(StoreError) { try await make(change) }
}

/// A file on its way in, with the digest of what has come.
private final class IncomingFile: Sendable {
    private struct State: ~Copyable {
        var file: StagedFile?
        var hasher = BlobHasher()

        init(_ file: consuming StagedFile) { self.file = .some(file) }
    }

    private let state: Mutex<State>

    init(_ file: consuming StagedFile) {
        state = Mutex(State(file))
    }

    func write(_ bytes: [UInt8]) throws(FileError) {
        try state.withLock { state throws(FileError) in
            try state.file?.write(bytes)
            state.hasher.update(bytes)
        }
    }

    /// Gives it its name; false where the bytes are not those of the address.
    func place(as address: BlobAddress) throws(FileError) -> Bool {
        try state.withLock { state throws(FileError) in
            guard state.hasher.address() == address, var file = state.file.take() else { return false }
            try file.synchronize()
            try file.place(as: address)
            return true
        }
    }
}
