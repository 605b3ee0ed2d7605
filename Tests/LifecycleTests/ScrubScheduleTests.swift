import Testing

@testable import Lifecycle

@Suite struct ScrubScheduleTests {
    @Test func `the next scrub begins an interval after the last one began, whatever the clock did`() {
        #expect(ScrubSchedule.wait(lastBegan: nil, now: 100, interval: .seconds(50)) == nil)
        #expect(ScrubSchedule.wait(lastBegan: 90, now: 100, interval: .seconds(50)) == .seconds(40))
        #expect(ScrubSchedule.wait(lastBegan: 50, now: 100, interval: .seconds(50)) == nil)
        #expect(ScrubSchedule.wait(lastBegan: 101, now: 100, interval: .seconds(50)) == nil)
        #expect(ScrubSchedule.wait(lastBegan: .min, now: 100, interval: .seconds(50)) == nil)
    }
}
