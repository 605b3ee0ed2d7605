import Blobs
import DiskStore
import Files
import Store
import StoreRules

extension Vault {
    /// Writes as an upload does, in two steps: bytes into a file, then a transaction of the catalogue.
    static func writeProbe(
        _ settings: VaultSettings, workers: Workers, disk: DiskStore, committer: Committer
    ) -> WriteProbe {
        WriteProbe(freshness: settings.probeFreshness, patience: settings.probePatience) {
            do {
                let failure = try await workers.run { () throws(StoreError) -> FileError? in
                    do throws(FileError) { try disk.tryWriting() } catch { return error }
                    return nil
                }
                if let failure { return "a probe write failed: \(failure)" }
                try await committer.perform(NoChange())
                return nil
            } catch {
                return "a probe write failed: \(error)"
            }
        }
    }
}
