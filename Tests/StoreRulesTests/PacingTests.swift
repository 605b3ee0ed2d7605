import StoreRules
import Testing

@Suite struct SweepPaceTests {
    @Test func `a sweep leaves uploads four fifths of the time, and takes all of it where there are none`() {
        #expect(SweepPace.pause(after: .milliseconds(7), isUploading: true) == .milliseconds(28))
        #expect(SweepPace.pause(after: .milliseconds(7), isUploading: false) == .zero)
        #expect(SweepPace.pause(after: .seconds(9), isUploading: true) == SweepPace.longestPause)
    }
}

@Suite struct ScrubRuleTests {
    @Test func `the background check reads so many bytes a second, and a quarter beside others`() {
        var pace = ScrubPace(bytesPerSecond: 1 << 20)
        #expect(pace.pause(afterBytes: 1 << 20, took: .milliseconds(100), isBusy: false) == .milliseconds(900))
        #expect(pace.pause(afterBytes: 1 << 20, took: .milliseconds(100), isBusy: true) == .milliseconds(3900))
        #expect(pace.pause(afterBytes: 1 << 20, took: .seconds(2), isBusy: false) == nil, "a disk that is slower yet")
        #expect(pace.pause(afterBytes: 1 << 20, took: .seconds(2), isBusy: true) == .seconds(6))
    }

    @Test func `short pauses are saved up`() {
        var pace = ScrubPace(bytesPerSecond: 1000)
        for _ in 0..<9 { #expect(pace.pause(afterBytes: 1, took: .zero, isBusy: false) == nil) }
        #expect(pace.pause(afterBytes: 1, took: .zero, isBusy: false) == .milliseconds(10))
        #expect(pace.pause(afterBytes: 1, took: .zero, isBusy: false) == nil)
    }

    @Test func `a few damaged blobs are set aside in any store, and one in a hundred in a large one`() {
        #expect(DamageRule.maySetAside(aside: 63, held: 0) && !DamageRule.maySetAside(aside: 64, held: 0))
        #expect(DamageRule.maySetAside(aside: 99, held: 10_000) && !DamageRule.maySetAside(aside: 100, held: 10_000))
    }
}
