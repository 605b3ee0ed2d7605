package import BlobFiles
package import Blobs

/// Where everything lies in a storage folder; storage/README.md describes it for people.
package struct DiskLayout: Sendable {
    /// The storage folder.
    package let root: String

    package init(root: String) {
        self.root = root
    }

    package var blobs: String { "\(root)/blobs.v1" }
    package var identity: String { "\(blobs)/STORE" }
    package var staging: String { "\(root)/staging" }
    package var damaged: String { "\(root)/damaged" }
    package var catalog: String { "\(root)/catalog.sqlite" }
    package var lock: String { "\(root)/lock" }
    package var controlSocket: String { "\(root)/control.sock" }
    package var ballast: String { "\(root)/ballast" }
    /// Where a store is made before `blobs.v1` and `catalog.sqlite` are renamed into place.
    package var making: String { "\(root)/making" }

    /// The folders of files named by address.
    package var folders: BlobFolders { BlobFolders(blobs: blobs, staging: staging, damaged: damaged) }

    package func blob(_ address: BlobAddress) -> String { folders.blob(address) }
}
