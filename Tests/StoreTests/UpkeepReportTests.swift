import Store
import Testing

@Suite struct UpkeepReportTests {
    @Test func `a report of a check counts all findings and lists the first thousand`() {
        var report = CheckReport()
        #expect(report.isClean)
        for number in 0..<CheckReport.listLimit + 5 {
            report.add(.init(Damage(.orphan, "no row"), name: "\(number)", isRepaired: number < 3))
        }
        #expect(!report.isClean && report.findingCount == 1005 && report.repairedCount == 3)
        #expect(report.findings.count == 1000 && report.findings.last?.name == "999")
    }

    @Test func `every kind of damage has a label of its own, in lower case with underscores`() {
        let labels = Damage.Kind.allCases.map(\.label)
        #expect(Set(labels).count == labels.count)
        #expect(labels.allSatisfy { $0.allSatisfy { $0 == "_" || $0.isLowercase } })
        #expect(Damage.Kind.ofHeldBlobs.map(\.label) == ["missing", "wrong_size", "wrong_bytes", "unreadable"])
    }

    @Test func `a blob falls into the bucket that ends above it`() {
        var statistics = StoreStatistics()
        statistics.add(size: (64 << 10) - 1, ageSeconds: 3599, isHeld: true)
        statistics.add(size: 64 << 10, ageSeconds: 3600, isHeld: false)
        statistics.add(size: .max, ageSeconds: .max, isHeld: true)
        statistics.add(size: .max, ageSeconds: -5, isHeld: true)
        #expect(statistics.blobs == 4 && statistics.unheld == 1 && statistics.bytes == .max)
        #expect(statistics.byAge.map(\.blobs) == [2, 1, 0, 0, 0, 1])
        #expect(statistics.bySize.map(\.blobs) == [1, 1, 0, 0, 0, 2])
        #expect(statistics.bySize.last?.below == nil && statistics.bySize.last?.bytes == .max)
    }

    @Test func `the last sweep tells whether sweeps are held back`() {
        var report = CollectReport()
        #expect(GCStatus().heldBack == nil && GCStatus(latest: report, holdCount: 3).heldBack == nil)
        report.hold = "the clock jumped"
        #expect(GCStatus(latest: report, holdCount: 1).heldBack == "the clock jumped")
    }
}
