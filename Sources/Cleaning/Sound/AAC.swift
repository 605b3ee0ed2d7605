/// Cleans AAC in ADTS (ISO 13818-7, section 6.2): its frames stay bit for bit, tags around and between them go, and so do
/// bytes that belong to no frame.
package enum AAC {
    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        let walk = try FrameWalk<ADTSFrame>(source)
        guard let first = walk.first else { throw .corrupt("no frame of sound is in it") }
        var file = CleanedFile()
        file.copy = walk.kept
        file.removed = walk.removed
        file.isCutShort = walk.isCutShort
        file.seconds = Double(walk.samples) / Double(first.rate)
        return file
    }
}
