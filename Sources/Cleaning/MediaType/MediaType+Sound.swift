/// Sound that is a row of frames.
extension MediaType {
    /// MPEG audio, AAC in ADTS and FLAC, at the start or behind an ID3 tag as far as it is in reach.
    static func soundType(_ start: FirstBytes) -> String? {
        var offset = 0
        while let tag = ID3Tag(start, at: offset) {
            offset = Int(tag.range.upperBound)
        }
        if start.has("fLaC", at: offset) { return "audio/flac" }
        if let type = framesType(start, at: offset) { return type }
        return offset > 0 ? "audio/mpeg" : nil
    }

    private static func framesType(_ start: FirstBytes, at offset: Int) -> String? {
        if followingFrames(MPEGFrame.self, start, at: offset) { return "audio/mpeg" }
        return followingFrames(ADTSFrame.self, start, at: offset) ? "audio/aac" : nil
    }

    /// Whether a frame begins at `offset`, and two more of its stream follow as far as they are in reach. At least one
    /// must follow, or the file or a tag at its end: a header alone is 11 bits, which text in UTF-16 begins with.
    private static func followingFrames<Frame: SoundFrame>(_: Frame.Type, _ start: FirstBytes, at offset: Int) -> Bool {
        guard let first = start.slice(Frame.headerBytes, at: offset).flatMap(Frame.init) else { return false }
        var next = offset + first.byteCount
        for place in 1...2 {
            if start.isWhole && next == start.count { return true }
            if ["TAG", "ID3", "APETAGEX"].contains(where: { start.has($0, at: next) }) { return true }
            guard let header = start.slice(Frame.headerBytes, at: next) else { return place == 2 }
            guard let frame = Frame(header), frame.continues(first) else { return false }
            next += frame.byteCount
        }
        return true
    }
}
