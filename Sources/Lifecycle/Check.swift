import BlobFiles
import Blobs
import Catalog
import DiskStore
import Store
import Vault

/// One check of everything: every row has its file with its size and its bytes, every file has its
/// row, every open upload what was told of it.
struct Check {
    let vault: Vault
    let options: CheckOptions
    private var report = CheckReport()

    init(vault: Vault, options: CheckOptions) {
        self.vault = vault
        self.options = options
    }

    mutating func run(progress: @Sendable (Int, Int64) -> Void) async throws(StoreError) -> CheckReport {
        try await checkRows(progress)
        try await checkUploads()
        for shard in BlobFolders.shards { try await checkFiles(shard: shard) }
        return report
    }

    private mutating func checkRows(_ progress: @Sendable (Int, Int64) -> Void) async throws(StoreError) {
        var last: BlobAddress?
        while true {
            let from = last
            let page = try await vault.read { try $0.blobs(after: from) }
            guard let next = page.last?.address else { return }
            last = next
            for blob in page {
                if Task.isCancelled { throw .unavailable("the check was cancelled") }
                try await check(blob)
                progress(report.blobsChecked, report.bytesChecked)
            }
        }
    }

    private mutating func check(_ blob: BlobRow) async throws(StoreError) {
        if blob.state == .damaged { report.awaitingUpload += 1 }
        guard blob.state == .held else { return }
        report.blobsChecked += 1
        report.bytesChecked += blob.size
        guard let damage = try await vault.examine(blob) else { return }
        var finding = Self.finding(damage, on: blob.address)
        if options.repair, try await vault.setAside(blob) {
            finding.isRepaired = true
            report.awaitingUpload += 1
        }
        report.add(finding)
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
        let name = String(upload.hex.prefix(8))
        var finding =
            switch damage {
            case .missing: CheckReport.Finding(kind: .lostUpload, name: name, detail: "the upload's file is not there")
            case .short(let told, let found):
                CheckReport.Finding(
                    kind: .lostUpload, name: name,
                    detail: "the upload's file has \(found) bytes, and \(told) were told to be here")
            }
        finding.isRepaired = options.repair
        report.add(finding)
    }

    private mutating func checkFiles(shard: String) async throws(StoreError) {
        let survey = try await vault.survey(shard: shard)
        for name in survey.strangers {
            report.add(.init(kind: .stranger, name: name, detail: "blobs.v1/\(name) is no blob's name"))
        }
        for start in stride(from: 0, to: survey.suspects.count, by: Catalog.pageRows) {
            let end = min(start + Catalog.pageRows, survey.suspects.count)
            for address in try await vault.orphans(among: Array(survey.suspects[start..<end])) {
                report.add(.init(kind: .orphan, name: address.hex, detail: "no row accounts for this file"))
            }
        }
    }

    static func finding(_ damage: BlobDamage, on address: BlobAddress) -> CheckReport.Finding {
        switch damage {
        case .missing:
            .init(kind: .missing, name: address.hex, detail: "the file is not there")
        case .wrongSize(let expected, let found):
            .init(kind: .wrongSize, name: address.hex, detail: "the file has \(found) bytes instead of \(expected)")
        case .wrongBytes:
            .init(kind: .wrongBytes, name: address.hex, detail: "the bytes have another SHA-256")
        case .unreadable(let why):
            .init(kind: .unreadable, name: address.hex, detail: why)
        }
    }
}
