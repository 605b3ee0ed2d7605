/// Checks the frames of an animated PNG (PNG, third edition, 4.9 and 11.3.8): sequence numbers without gaps, frames within
/// the canvas, each with coded data.
struct APNGSequence {
    private let header: PNGHeader
    private let frameCount: Int
    private var nextNumber = 0
    private(set) var frames = 0
    /// Of the last frame.
    private(set) var size = (width: 0, height: 0)
    private var mayHaveData = false
    private var lacksData = false
    /// Seconds of one run through the frames.
    private(set) var seconds = 0.0

    private static let frameLimit = 5_000

    /// Reads acTL: the number of frames, and of runs.
    init(_ control: ArraySlice<UInt8>, _ header: PNGHeader) throws(CleaningError) {
        guard control.count == 8, let count = control.bigEndian32(at: 0), count > 0 else {
            throw .corrupt("its animation has no frames")
        }
        guard count <= Self.frameLimit else { throw .excessive("more than 5,000 frames") }
        (self.header, frameCount) = (header, count)
    }

    /// Reads fcTL. The picture itself is the first frame if its fcTL stands before it.
    mutating func frame(_ contents: ArraySlice<UInt8>, isPicture: Bool) throws(CleaningError) {
        try number(contents)
        let fields = [4, 8, 12, 16].compactMap { contents.bigEndian32(at: $0) }
        guard contents.count == 26, fields.count == 4, !lacksData, !isPicture || frames == 0,
            fields[0] > 0, fields[1] > 0, fields[0] <= header.width, fields[2] <= header.width - fields[0],
            fields[1] <= header.height, fields[3] <= header.height - fields[1],
            !isPicture || fields[0] == header.width && fields[1] == header.height,
            contents.suffix(2).first.map({ $0 <= 2 }) ?? false, contents.last.map({ $0 <= 1 }) ?? false,
            let numerator = contents.bigEndian16(at: 20), let denominator = contents.bigEndian16(at: 22)
        else { throw .corrupt("a frame of its animation is out of place") }
        frames += 1
        size = (fields[0], fields[1])
        (mayHaveData, lacksData) = (!isPicture, !isPicture)
        seconds += Double(numerator) / Double(denominator == 0 ? 100 : denominator)
    }

    /// Reads the number at the start of fdAT.
    mutating func data(_ start: ArraySlice<UInt8>) throws(CleaningError) {
        try number(start)
        guard mayHaveData else { throw .corrupt("a frame of its animation has no header") }
        lacksData = false
    }

    private mutating func number(_ contents: ArraySlice<UInt8>) throws(CleaningError) {
        guard contents.bigEndian32(at: 0) == nextNumber else {
            throw .corrupt("the frames of its animation are out of order")
        }
        nextNumber += 1
    }

    func finish() throws(CleaningError) {
        guard frames == frameCount, !lacksData else { throw .corrupt("frames of its animation are missing") }
    }
}
