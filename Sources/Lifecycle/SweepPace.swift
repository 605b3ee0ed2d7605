/// How a sweep shares the disk, the catalogue and the processors with uploads: they come first, and garbage can wait.
enum SweepPace {
    /// The longest pause, so that a batch which waited long itself does not stop the sweep.
    static let longestPause = Duration.milliseconds(500)

    /// How long to leave everything to others after a batch that took `batch`: four times as long while uploads are
    /// under way, not at all while none is.
    static func pause(after batch: Duration, isUploading: Bool) -> Duration {
        isUploading ? min(batch * 4, longestPause) : .zero
    }
}
