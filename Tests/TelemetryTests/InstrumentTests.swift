import Foundation
import Store
import Telemetry
import Testing

@Suite struct InstrumentTests {
    @Test func `a value that is a bucket's end falls into it, one above into the next, one above all into the last`() {
        let meters = Meters()
        for nanoseconds in [100_000, 100_001, 61_000_000_000] { meters.commits.record(nanoseconds) }
        let lines = Self.lines(of: "satcheld_commit_seconds", meters)
        #expect(lines.contains(#"satcheld_commit_seconds_bucket{le="0.0001"} 1"#))
        #expect(lines.contains(#"satcheld_commit_seconds_bucket{le="0.00025"} 2"#))
        #expect(lines.contains(#"satcheld_commit_seconds_bucket{le="60.0"} 2"#))
        #expect(lines.contains(#"satcheld_commit_seconds_bucket{le="+Inf"} 3"#))
        #expect(lines.contains("satcheld_commit_seconds_count 3"))
        #expect(meters.commits.sum == 61_000_200_001)
    }

    @Test func `requests are counted by class and status, with bytes and time`() {
        let meters = Meters(routes: ["blob", "upload", "other"])
        meters.requests.count(route: 0, status: 206, receivedBytes: 0, sentBytes: 70, time: .milliseconds(3))
        meters.requests.count(route: 0, status: 206, receivedBytes: 0, sentBytes: 7, time: .milliseconds(3))
        meters.requests.count(route: 1, status: 201, receivedBytes: 9, sentBytes: 0, time: .seconds(1))
        meters.requests.count(route: 2, status: 7777, receivedBytes: 0, sentBytes: 0, time: .zero)
        meters.requests.countShortcut(route: 1)
        let lines = Self.lines(of: "satcheld_requests_total", meters)
        #expect(
            lines == [
                #"satcheld_requests_total{route="blob",status="206"} 2"#,
                #"satcheld_requests_total{route="upload",status="201"} 1"#,
                #"satcheld_requests_total{route="other",status="599"} 1"#,
            ], "a status that HTTP does not know makes no label of its own")
        let shortcuts = Self.lines(of: "satcheld_shortcuts_total", meters)
        #expect(shortcuts.map { $0.suffix(2) } == [" 0", " 1", " 0"])
        #expect(meters.requests.sentBytes(route: 0) == 77 && meters.requests.receivedBytes(route: 1) == 9)
        let times = Self.lines(of: "satcheld_request_duration_seconds", meters)
        #expect(times.contains(#"satcheld_request_duration_seconds_bucket{route="blob",le="0.0025"} 0"#))
        #expect(times.contains(#"satcheld_request_duration_seconds_bucket{route="blob",le="0.005"} 2"#))
    }

    @Test func `a label that was not known at the start counts nowhere`() {
        let meters = Meters(refusalCodes: ["gone", "quota"])
        meters.refusals.add(for: "gone")
        meters.refusals.add(for: "made-up-by-a-client")
        #expect(
            Self.lines(of: "satcheld_refusals_total", meters) == [
                #"satcheld_refusals_total{code="gone"} 1"#, #"satcheld_refusals_total{code="quota"} 0"#,
            ])
    }

    @Test func `additions from many threads are all there`() async {
        let meters = Meters(routes: ["blob"])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        meters.requests.count(
                            route: 0, status: 200, receivedBytes: 0, sentBytes: 3, time: .microseconds(1))
                    }
                }
            }
        }
        #expect(meters.requests.count(route: 0, status: 200) == 80_000)
        #expect(meters.requests.sentBytes(route: 0) == 240_000)
    }

    @Test func `whoever finds a request in the count of its status finds its bytes too`() async {
        let meters = Meters(routes: ["blob"])
        let requests = 300_000
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<requests {
                    meters.requests.count(route: 0, status: 200, receivedBytes: 1, sentBytes: 1, time: .zero)
                }
            }
            group.addTask {
                var count = 0
                while count < requests {
                    for _ in 0..<1000 {
                        count = meters.requests.count(route: 0, status: 200)
                        let bytes = (meters.requests.sentBytes(route: 0), meters.requests.receivedBytes(route: 0))
                        guard bytes.0 >= count, bytes.1 >= count else {
                            Issue.record("\(count), but \(bytes)")
                            return
                        }
                    }
                    await Task.yield()
                }
            }
        }
    }

    @Test func `a store that could not be read leaves its metrics out and the others in`() {
        var readings = Readings()
        readings.writing.isSuspended = true
        let text = MetricText.render(Meters(), readings)
        #expect(!text.contains("satcheld_leases") && text.contains("process_open_fds"))
        #expect(text.contains("satcheld_store_suspended 1\n"), "most of all then it has to be told")
        readings.store = StoreReadings()
        #expect(MetricText.render(Meters(), readings).contains("satcheld_leases 0\n"))
    }

    @Test func `every metric is named once, and as its kind wants it`() {
        let names = MetricTable.all.map(\.name)
        #expect(Set(names).count == names.count)
        for metric in MetricTable.all {
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
            #expect(metric.help.hasSuffix("."), "\(metric.name)")
        }
    }

    @Test func `the operator's manual tells every metric, and none that there is not`() throws {
        let manual = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/operations.md")
        let lines = try String(contentsOf: manual, encoding: .utf8).split(separator: "\n")
        let told = lines.compactMap { $0.firstMatch(of: #/^\| `((?:satcheld|process)_[a-z_]+)` \| (\w+) /#) }
        #expect(told.map { String($0.output.1) } == MetricTable.all.map(\.name))
        #expect(told.map { String($0.output.2) } == MetricTable.all.map(\.kind.rawValue))
    }

    /// The samples of one metric as they are told.
    private static func lines(of name: String, _ meters: Meters) -> [String] {
        MetricText.render(meters, Readings()).split(separator: "\n").map(String.init).filter { line in
            line.hasPrefix(name) && line.dropFirst(name.count).first.map { "{_ ".contains($0) } == true
        }
    }
}
