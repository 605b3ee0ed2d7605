import DiskStore
import Testing

@Suite struct StorageFolderTests {
    /// What folders are, by the names in them and the length of their lock file.
    @Test(arguments: [
        ([], 0, FolderFinding.empty),
        (["README.md"], 0, .empty),
        (["README.md", ".gitignore", "lock"], 0, .empty),
        (["lost+found"], 0, .empty),
        (["lost+found", ".snapshot", ".snapshots", ".zfs", "aquota.user", "aquota.group"], 0, .empty),
        (["making", "lost+found"], 0, .unfinished),
        (["making"], 0, .unfinished),
        (["making", "blobs.v1", "lock"], 0, .unfinished),
        (["making", "blobs.v1", "catalog.sqlite"], 0, .store),
        (["blobs.v1", "catalog.sqlite", "whatever"], 20, .store),
    ])
    func `a folder is judged by what it holds`(names: [String], lockBytes: Int, finding: FolderFinding) {
        #expect(DiskStore.judge(names: Set(names), lockBytes: Int64(lockBytes)) == finding)
    }

    /// Folders in which nothing may start.
    @Test(arguments: [
        (["blobs.v1", "lock"], 20), (["catalog.sqlite", "lock"], 20), (["blobs.v1"], 0), (["catalog.sqlite"], 0),
        (["holiday.jpg"], 0), (["lost+found", "holiday.jpg"], 0), ([".hidden"], 0), (["lock"], 20),
        (["making", "blobs.v1"], 20), (["making", "catalog.sqlite"], 0),
    ])
    func `half a store, or something else, is no place to start`(names: [String], lockBytes: Int) {
        guard case .foreign = DiskStore.judge(names: Set(names), lockBytes: Int64(lockBytes)) else {
            Issue.record("a store would be made or opened here")
            return
        }
    }
}
