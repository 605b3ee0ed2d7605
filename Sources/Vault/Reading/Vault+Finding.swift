import BlobFiles
package import Blobs
import Catalog
import DiskStore
import Files
import Logging
package import Store
import StoreRules

extension Vault {
    package func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        if let finding = try await workers.run({ () throws(StoreError) in try self.look(for: address) }) {
            return finding
        }
        // Row and file disagreed. Under the lock of the address nothing moves, so what is seen then is so.
        return try await locks.withLock(address) { () async throws(StoreError) in
            try await workers.run { () throws(StoreError) in
                if let finding = try self.look(for: address) { return finding }
                self.logger.error(
                    "A blob's file is missing or has the wrong size", metadata: ["blob": "\(address.abbreviated)"])
                self.suspects.add(address)
                return .damaged
            }
        }
    }

    package func validity(of address: BlobAddress) -> ValidityToken { generations.token(for: address) }

    /// What row and file say together; nil where the row says held and the file is not as it says.
    private func look(for address: BlobAddress) throws(StoreError) -> BlobFinding? {
        guard let row = try catalog.read({ try $0.blob(address) }) else { return .unknown }
        if let end = row.end(at: time.now) { return .gone(end) }
        guard row.state == .held, let sunset = row.sunset else { return .damaged }
        do throws(BlobFileError) {
            let file = try disk.files.open(address, size: row.size)
            return .held(
                HeldBlob(
                    address: address, size: row.size, sunset: sunset,
                    content: FileContent(file, of: address, suspects: suspects, workers: workers)))
        } catch {
            guard case .file(let cause) = error else { return nil }
            throw StoreError(cause)
        }
    }
}

/// The bytes of a blob in a plain file, which stay readable while this value lives, whatever happens to the name.
final class FileContent: BlobContent {
    private let file: OpenFile
    private let address: BlobAddress
    private let suspects: SuspectBlobs
    private let workers: BlockingPool

    init(_ file: consuming OpenFile, of address: BlobAddress, suspects: SuspectBlobs, workers: BlockingPool) {
        self.file = file
        self.address = address
        self.suspects = suspects
        self.workers = workers
    }

    func openDescriptor() -> Int32? { try? file.duplicateDescriptor() }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
        file.readResident(into: &buffer, at: offset)
    }

    func read(_ range: ByteRange) async throws(StoreError) -> [UInt8] {
        try await workers.run { () throws(StoreError) in
            try self.suspecting { () throws(StoreError) in try self.bytes(range) }
        }
    }

    func fetch(_ range: ByteRange) async throws(StoreError) {
        try await workers.run { () throws(StoreError) in
            try self.suspecting { () throws(StoreError) in try self.pass(range) }
        }
    }

    /// Runs `body`; if it fails, the blob will be looked at soon.
    private func suspecting<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        do { return try body() } catch {
            suspects.add(address)
            throw error
        }
    }

    /// Reads through `range` and keeps nothing: afterwards the kernel has it.
    private func pass(_ range: ByteRange) throws(StoreError) {
        var buffer = [UInt8](repeating: 0, count: Int(min(range.count, 256 << 10)))
        var offset = range.offset
        while offset < range.end {
            let start = offset
            let filled = try storeErrors { () throws(FileError) in try file.read(into: &buffer, at: start) }
            if filled == 0 { throw tooShort(by: range.end - offset) }
            offset += Int64(filled)
        }
    }

    private func bytes(_ range: ByteRange) throws(StoreError) -> [UInt8] {
        guard let count = Int(exactly: range.count) else { throw .io("\(file.path): a range is too long for memory") }
        var buffer = [UInt8](repeating: 0, count: count)
        let filled = try storeErrors { () throws(FileError) in
            try file.read(into: &buffer, at: range.offset)
        }
        guard filled == count else { throw tooShort(by: Int64(count - filled)) }
        return buffer
    }

    private func tooShort(by count: Int64) -> StoreError {
        .io("read \(file.path): it ended \(count) bytes before its size")
    }
}
