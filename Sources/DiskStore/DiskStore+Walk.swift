package import Blobs
package import Files
import Store

extension DiskStore {
    /// A number of names found in one of the 256 folders.
    package struct Page: Sendable {
        package var addresses: [BlobAddress] = []
        /// Names that are no blob's, or stand in the wrong folder.
        package var strangers: [String] = []
    }

    /// Goes through the names in one folder, at most `pageSize` at a time.
    package func forEachPage(
        inShard shard: String, pageSize: Int, _ body: (Page) throws(FileError) -> Void
    ) throws(FileError) {
        var page = Page()
        try Folder.forEachName(in: layout.shard(shard)) { name throws(FileError) in
            if let address = BlobAddress(hex: name), address.shard == shard {
                page.addresses.append(address)
            } else {
                page.strangers.append("\(shard)/\(name)")
            }
            if page.addresses.count + page.strangers.count >= pageSize {
                try body(page)
                page = Page()
            }
        }
        try body(page)
    }
}
