import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreParts
import StoreRules

/// One check of everything: every row has its file with the right size and bytes, every file has its row, and every
/// open upload has the bytes that its client was told of.
struct Check {
    let vault: Vault
    let options: CheckOptions
    private var report = CheckReport()

    init(vault: Vault, options: CheckOptions) {
        self.vault = vault
        self.options = options
    }

    mutating func run(progress: @Sendable (CheckProgress) -> Void) async throws(StoreError) -> CheckReport {
        try await checkRows(progress)
        try await checkUploads()
        for shard in BlobFolders.shards { try await checkFiles(shard: shard) }
        return report
    }

    private mutating func checkRows(_ progress: @Sendable (CheckProgress) -> Void) async throws(StoreError) {
        var last: BlobAddress?
        while true {
            let from = last
            let page = try await vault.read { try $0.blobs(after: from) }
            guard let next = page.last?.address else { return }
            last = next
            for blob in page {
                if Task.isCancelled { throw .unavailable("the check was cancelled") }
                try await check(blob)
                progress(CheckProgress(blobs: report.blobsChecked, bytes: report.bytesChecked))
            }
        }
    }

    private mutating func check(_ blob: BlobRow) async throws(StoreError) {
        if blob.state == .damaged { report.awaitingUpload += 1 }
        guard blob.state == .held else { return }
        report.blobsChecked += 1
        report.bytesChecked += blob.size
        guard let damage = try await vault.examine(blob) else { return }
        let isRepaired = options.repair ? try await vault.setAside(blob) : false
        if isRepaired { report.awaitingUpload += 1 }
        report.add(.init(damage, name: blob.address.hex, isRepaired: isRepaired))
    }

    private mutating func checkUploads() async throws(StoreError) {
        var last: UploadID?
        while true {
            let from = last
            let page = try await vault.read { try $0.openUploads(after: from) }
            guard let next = page.last?.id else { return }
            last = next
            for upload in page { try await check(upload.id) }
        }
    }

    private mutating func check(_ upload: UploadID) async throws(StoreError) {
        report.uploadsChecked += 1
        guard let damage = try await vault.examine(upload, givingUp: options.repair) else { return }
        report.add(.init(damage, name: String(upload.hex.prefix(8)), isRepaired: options.repair))
    }

    private mutating func checkFiles(shard: String) async throws(StoreError) {
        let survey = try await vault.survey(shard: shard)
        for name in survey.strangers {
            report.add(.init(Damage(.stranger, "blobs.v1/\(name) is not the name of a blob"), name: name))
        }
        for start in stride(from: 0, to: survey.suspects.count, by: Catalog.pageRows) {
            let end = min(start + Catalog.pageRows, survey.suspects.count)
            for address in try await vault.orphans(among: Array(survey.suspects[start..<end])) {
                report.add(.init(Damage(.orphan, "the catalog has no row for this file"), name: address.hex))
            }
        }
    }
}

/// What the files of one of the 256 folders are to the catalog.
struct ShardSurvey: Sendable {
    /// How many files have a row.
    var accounted = 0
    /// Files that had no row at that moment; an upload may be about to write it.
    var suspects: [BlobAddress] = []
    /// Names that are not those of blobs.
    var strangers: [String] = []
}

extension Vault {
    /// Goes through the files of one folder and looks up each in the catalog.
    func survey(shard: String) async throws(StoreError) -> ShardSurvey {
        try await workers.run { () throws(StoreError) in
            var survey = ShardSurvey()
            var failure: StoreError?
            try storeErrors { () throws(FileError) in
                try self.disk.files.forEachPage(inShard: shard, pageSize: Catalog.pageRows) { page throws(FileError) in
                    do throws(StoreError) {
                        let accounted = try self.catalog.read { try $0.accounted(page.addresses) }
                        survey.accounted += accounted.count
                        survey.suspects += page.addresses.filter { !accounted.contains($0) }
                        survey.strangers += page.strangers
                    } catch {
                        failure = error
                    }
                }
            }
            if let failure { throw failure }
            return survey
        }
    }
}
