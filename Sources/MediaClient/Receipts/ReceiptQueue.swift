import Blobs
package import Files
import Transfer

/// The receipts that have not reached their server yet: a file each, readable by its owner alone.
package struct ReceiptQueue: Sendable {
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// The most receipts that can wait.
    static let limit = 10_000
    private static let fileLimitBytes: Int64 = 8192

    /// Records a receipt, durably and at most once. False if too many are waiting.
    func add(_ receipt: DeliveryReceipt) throws(FileError) -> Bool {
        try Folder.makeAll(folder)
        let path = path(of: receipt)
        guard try Folder.status(path) == nil else { return true }
        guard try Folder.names(in: folder).count < Self.limit else { return false }
        let file = try TemporaryFile(in: folder)
        try file.file.write(Array(receipt.text.utf8)[...])
        try file.publish(as: path, replacing: true)
        return true
    }

    /// All that wait, the newest first. Unreadable files are skipped.
    package func entries() throws(FileError) -> [WaitingReceipt] {
        guard try Folder.status(folder) != nil else { return [] }
        var entries: [WaitingReceipt] = []
        for name in try Folder.names(in: folder) where name.hasSuffix(".json") {
            if let entry = try entry("\(folder)/\(name)") { entries.append(entry) }
        }
        return entries.sorted { ($0.receipt.at, $0.path) > ($1.receipt.at, $1.path) }
    }

    func remove(_ entry: WaitingReceipt) throws(FileError) { try Folder.remove(entry.path) }

    /// Nil as well for one that another process has sent meanwhile.
    private func entry(_ path: String) throws(FileError) -> WaitingReceipt? {
        do throws(FileError) {
            let bytes = try OpenFile(path, .read).contents(limitBytes: Self.fileLimitBytes)
            return bytes.flatMap { DeliveryReceipt(parsing: $0) }.map { WaitingReceipt(receipt: $0, path: path) }
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    /// One file per message and server.
    private func path(of receipt: DeliveryReceipt) -> String {
        let secret = Hexadecimal.encode(receipt.secret.hash.bytes.prefix(8))
        return "\(folder)/\(receipt.address.hex)-\(secret).json"
    }
}

/// A receipt that waits, and its file.
package struct WaitingReceipt: Sendable {
    package let receipt: DeliveryReceipt
    let path: String
}
