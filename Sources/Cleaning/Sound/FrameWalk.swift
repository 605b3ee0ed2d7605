/// Walks over a stream of frames and keeps them alone. Tags between them go, and so do bytes that belong to no frame: a
/// decoder skips them, and nobody knows what they tell.
struct FrameWalk<Frame: SoundFrame> {
    /// Bytes outside of frames that are passed over in one file, tags not counted.
    static var limitBytes: Int64 { 64 << 10 }

    private let source: SourceBytes
    private var tags: SoundTags
    private(set) var first: Frame?
    /// Where the first frame is.
    private(set) var firstRange: Range<Int64> = 0..<0
    private(set) var frames: Int64 = 0
    private(set) var samples: Int64 = 0
    /// Whole frames, in order.
    private(set) var kept = CleanCopy()
    private(set) var removed: Set<RemovedMetadata> = []
    /// The last frame is not whole.
    private(set) var isCutShort = false
    private var lostBytes: Int64 = 0

    /// Walks over `source`, whose tags at both ends are left out.
    init(_ source: SourceBytes) throws(CleaningError) {
        self.source = source
        tags = try SoundTags(in: source)
        let end = tags.sound.upperBound
        var offset = tags.sound.lowerBound
        while offset < end {
            if let frame = try frame(at: offset), try begins(frame, at: offset) {
                guard Int64(frame.byteCount) <= end - offset else {
                    isCutShort = true
                    break
                }
                keep(frame, at: offset)
                offset += Int64(frame.byteCount)
            } else if let next = try tags.endOfTag(at: offset) {
                offset = next
            } else {
                offset = try nextFrame(from: offset, to: end)
            }
        }
        guard frames > 0 else { throw .corrupt("no frame of sound is in it") }
        // What ends with a frame now must not end with a tag for those who look for one there.
        if SoundTags.end(with: try lastBytes()) { throw .corrupt("a tag is inside of its last frame") }
        removed.formUnion(tags.removed)
    }

    /// The frame at `offset`, if one of the stream begins there.
    private func frame(at offset: Int64) throws(CleaningError) -> Frame? {
        guard Int64(Frame.headerBytes) <= tags.sound.upperBound - offset else { return nil }
        guard let frame = Frame(try source.bytes(Frame.headerBytes, at: offset)) else { return nil }
        if let first, !frame.continues(first) { return nil }
        return frame
    }

    /// Whether the stream begins with this frame, or goes on with it.
    private func begins(_ frame: Frame, at offset: Int64) throws(CleaningError) -> Bool {
        if frames > 0 { return true }
        return try isFollowed(frame, at: offset)
    }

    /// Whether another frame of the same stream follows this one, or a tag or the end does.
    private func isFollowed(_ frame: Frame, at offset: Int64) throws(CleaningError) -> Bool {
        let next = offset + Int64(frame.byteCount)
        if next == tags.sound.upperBound { return true }
        guard next <= tags.sound.upperBound else { return false }
        if let following = try self.frame(at: next) { return following.continues(frame) }
        return try ID3Tag.begins(in: source, at: next)
    }

    private mutating func keep(_ frame: Frame, at offset: Int64) {
        let range = offset..<offset + Int64(frame.byteCount)
        if first == nil {
            first = frame
            firstRange = range
        }
        kept.append(original: range)
        frames += 1
        samples += Int64(frame.samples)
    }

    /// The last bytes that are kept, which may lie apart in the source.
    private func lastBytes() throws(CleaningError) -> [UInt8] {
        var bytes: [UInt8] = []
        for case .original(let range) in kept.parts.reversed() where bytes.count < SoundTags.endBytes {
            let count = min(SoundTags.endBytes - bytes.count, range.count)
            bytes = try source.bytes(count, at: range.upperBound - Int64(count)) + bytes
        }
        return bytes
    }

    /// Where sound goes on: at a frame that another follows, or at a tag; `end` if it does not.
    private mutating func nextFrame(from start: Int64, to end: Int64) throws(CleaningError) -> Int64 {
        var offset = start + 1
        while offset < end {
            if let frame = try frame(at: offset), try isFollowed(frame, at: offset) { break }
            if try ID3Tag.begins(in: source, at: offset) { break }
            offset += 1
            if offset - start > Self.limitBytes { throw .corrupt("more than 64 KiB in it belong to no frame") }
        }
        lostBytes += offset - start
        if lostBytes > Self.limitBytes { throw .corrupt("more than 64 KiB in it belong to no frame") }
        removed.insert(offset < end ? .other : .trailing)
        return offset
    }
}
