import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct CollectingTests {
    let journey: Journey

    init() throws { journey = try Journey() }

    private static let isLong = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] != nil
    private static let blobs = isLong ? 1_000_000 : 100_000
    private static var ended: Int { blobs / 5 }

    /// What a sweep reports, as far as it counts here.
    private struct Report: Decodable {
        let blobsRemoved: Int
        let removalsFinished: Int
        let leasesEnded: Int
        let seconds: Double
    }

    @Test func `killed again and again, a sweep of a fifth of the store goes on, and the sums agree`() async throws {
        #expect(try await journey.serve().stop() == 0)
        let filled = try await python(
            "fill_store.py", journey.storage, "--blobs", "\(Self.blobs)", "--ended", "\(Self.ended)")
        #expect(filled.status == 0, "\(filled.errors)")
        for milliseconds in [30, 80, 150, 250] {
            let sweep = try RunningCommand(
                Programs.path("satcheld"), ["gc", "--quick", "--json", "--storage", journey.storage])
            try await Task.sleep(for: .milliseconds(milliseconds))
            sweep.send(signal: SIGKILL)
            _ = await sweep.status()
        }
        let last = try await collect()
        let idle = try await collect()
        #expect(idle.report.blobsRemoved == 0 && idle.report.leasesEnded == 0)
        let held = Self.blobs - Self.ended
        let sums = try await python("store_sums.py", journey.storage)
        let pairs = sums.lines.map { $0.split(separator: " ").compactMap { Int($0) } }
        #expect(
            pairs.count == 2 && pairs[0] == pairs[1], "the catalog's sums, then those of the files: \(sums.lines)")
        #expect(pairs.first?.first == held)
        let rate = Double(last.report.blobsRemoved) / last.report.seconds
        print(
            "sweep: \(last.report), \(Int(rate)) blobs a second, peak \(last.peak) bytes; with nothing to do \(idle.report.seconds) s"
        )
        #expect(last.peak < 64 << 20)
    }

    private func collect() async throws -> (report: Report, peak: Int) {
        let result = try await journey.satcheld("gc", "--quick", "--json")
        #expect(result.status == 0, "\(result.errors)")
        return (try JSONDecoder().decode(Report.self, from: Data(result.outputBytes)), result.peakResidentBytes)
    }

    private func python(_ script: String, _ arguments: String...) async throws -> CommandResult {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Peer")
        return try await run("/usr/bin/python3", [folder.appendingPathComponent(script).path] + arguments)
    }
}
