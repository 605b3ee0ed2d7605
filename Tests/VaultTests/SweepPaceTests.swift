import Testing

@testable import Vault

@Suite struct SweepPaceTests {
    @Test func `a sweep leaves uploads four fifths of the time, and takes all of it where there are none`() {
        #expect(SweepPace.pause(after: .milliseconds(7), isUploading: true) == .milliseconds(28))
        #expect(SweepPace.pause(after: .milliseconds(7), isUploading: false) == .zero)
        #expect(SweepPace.pause(after: .seconds(9), isUploading: true) == SweepPace.longestPause)
    }
}
