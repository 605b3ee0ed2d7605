import Blobs
import Store
import StoreRules
import Testing

/// The two rules that stand between a wrong clock or a lost catalog and the blobs.
@Suite struct SweepGuardTests {
    private static let day: Int64 = 86_400

    /// One moment: what the clocks say then, at the start of the process, and at the last sweep that was allowed.
    struct Moment: Sendable, CustomTestStringConvertible {
        let story: String
        var wall: Int64 = 1_000_000
        var monotonic: Int64 = 10_000
        var boot = "b"
        var startWall: Int64 = 990_000
        var startMonotonic: Int64 = 0
        var passWall: Int64 = 996_400
        var passMonotonic: Int64 = 6400
        var passBoot = "b"
        var latest: Int64 = 0
        var hold: SweepHold?

        var testDescription: String { story }
    }

    @Test(arguments: [
        Moment(story: "an hour since the last sweep"),
        Moment(story: "ten minutes of drift", wall: 1_000_600),
        Moment(story: "more than ten minutes forward", wall: 1_000_601, hold: .clocksParted(seconds: 601)),
        Moment(story: "more than ten minutes back", wall: 999_399, hold: .clocksParted(seconds: 601)),
        Moment(story: "a year forward", wall: 32_536_000, hold: .clocksParted(seconds: 31_536_000)),
        Moment(
            story: "rebooted since: the last sweep's monotonic clock says nothing", monotonic: 10_000, boot: "c",
            passMonotonic: 77, passBoot: "b"),
        Moment(
            story: "rebooted since, and the clock was set after the start", wall: 1_002_000, boot: "c",
            hold: .clocksParted(seconds: 2000)),
        Moment(story: "a commit eleven minutes ahead", latest: 1_000_660, hold: .latestAhead(seconds: 660)),
        Moment(story: "a commit ten minutes ahead", latest: 1_000_600),
        Moment(
            story: "started eight days after the last sweep, half an hour ago", wall: 991_800, monotonic: 1800,
            boot: "c", passWall: 990_000 - 8 * day, hold: .startedLate(seconds: 8 * day)),
        Moment(
            story: "started eight days after the last sweep, an hour ago", wall: 993_600, monotonic: 3600, boot: "c",
            passWall: 990_000 - 8 * day),
        Moment(
            story: "started seven days after the last sweep", wall: 990_000, monotonic: 0, boot: "c",
            passWall: 990_000 - 7 * day),
        Moment(
            story: "numbers at their ends", wall: .max, passWall: .min, passMonotonic: .max,
            hold: .clocksParted(seconds: .max)),
    ])
    func `nothing is removed while the clocks cannot be trusted`(moment: Moment) {
        let hold = SweepGuard.hold(
            now: ClockReading(
                wall: Timestamp(seconds: moment.wall), monotonicSeconds: moment.monotonic, boot: moment.boot),
            started: ClockReading(
                wall: Timestamp(seconds: moment.startWall), monotonicSeconds: moment.startMonotonic,
                boot: moment.boot),
            reference: ClockReading(
                wall: Timestamp(seconds: moment.passWall), monotonicSeconds: moment.passMonotonic,
                boot: moment.passBoot),
            latest: Timestamp(seconds: moment.latest))
        #expect(hold == moment.hold)
    }

    /// Files without a row among files with one, and whether they may go.
    @Test(arguments: [
        (1, 1, false, false, true), (64, 0, false, false, true), (65, 100, false, false, false),
        (100, 9900, false, false, true), (101, 9900, false, false, false), (1000, 1_000_000, false, false, true),
        (1001, 1_000_000, false, false, false), (1001, 1_000_000, false, true, true), (1, 1000, true, false, false),
        (1, 1000, true, true, true),
    ])
    func `files without a row go only while they are few and the catalog is not an old one`(
        found: Int, accounted: Int, isRestored: Bool, isTold: Bool, mayGo: Bool
    ) {
        let verdict = OrphanRule.judge(
            found: found, accounted: accounted, isRestored: isRestored, options: CollectOptions(orphans: isTold),
            now: Timestamp(seconds: 10_000))
        if mayGo {
            #expect(verdict == .remove(seenBy: Timestamp(seconds: 6400)))
        } else {
            guard case .keep = verdict else {
                Issue.record("they would go")
                return
            }
        }
    }

    @Test func `with no server running a file without a row need not be seen twice`() {
        let verdict = OrphanRule.judge(
            found: 1, accounted: 1, isRestored: false, options: CollectOptions(isAlone: true),
            now: Timestamp(seconds: 0))
        #expect(verdict == .remove(seenBy: Timestamp(seconds: .max)))
    }
}
