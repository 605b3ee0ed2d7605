/// Reads a `traf` (ISO/IEC 14496-12, 8.8.6 to 8.8.8 and 8.8.12) and finds where its samples lie.
struct FragmentTrack {
    private let reader: BoxReader
    private let children: [Box]
    private let defaults: FragmentDefaults
    private let base: Int64?
    /// Whether the film keeps the track.
    let isKept: Bool
    private(set) var cleaned: Fragment.TrackPart
    /// Where its data ends: the next track's data may begin there.
    private(set) var end: Int64 = 0

    init(_ box: Box, _ movie: Movie, fragmentStart: Int64, _ reader: BoxReader) throws(CleaningError) {
        self.reader = reader
        children = try reader.children(of: box)
        let header = try reader.full(try children.required("tfhd"))
        var fields = FieldReader(try reader.bytes(header.body), of: "tfhd")
        let track = UInt32(try fields.number(4))
        let flags = header.flags
        var base: Int64?
        if flags & 1 != 0 { base = Int64(clamping: try fields.number(8)) }
        if flags & 0x2_0001 == 0x2_0000 { base = fragmentStart }
        self.base = base
        var kept = BigEndian.bytes(track)
        var description: Int?
        if flags & 2 != 0 {
            description = Int(try fields.number(4))
            kept += BigEndian.bytes(UInt32(description ?? 0))
        }
        let found = movie.tracks.first { $0.header.id == track }
        isKept = found != nil
        guard let standard = movie.defaults[track] ?? (isKept ? nil : FragmentDefaults()) else {
            throw .corrupt("a fragment is of a track without defaults")
        }
        var (duration, size, sampleFlags) = (standard.duration, standard.size, standard.flags)
        if flags & 8 != 0 {
            duration = UInt32(try fields.number(4))
            kept += BigEndian.bytes(duration)
        }
        if flags & 0x10 != 0 {
            size = UInt32(try fields.number(4))
            kept += BigEndian.bytes(size)
        }
        if flags & 0x20 != 0 {
            sampleFlags = UInt32(try fields.number(4))
            kept += BigEndian.bytes(sampleFlags)
        }
        defaults = FragmentDefaults(duration: duration, size: size, flags: sampleFlags)
        let isText = found.map { !["vide", "soun"].contains($0.outline.handler) } ?? false
        let forms = found?.table.unitForms ?? []
        let index = (description ?? standard.description) - 1
        let unitForm = forms.indices.contains(index) ? forms[index] : forms.compactMap { $0 }.first

        var start: UInt64?
        var parts: [Fragment.FragmentPart] = [.bytes(.fullBox("tfhd", flags: flags & 0x1_003A | 0x2_0000, kept))]
        if let time = try children.one("tfdt") {
            let header = try reader.full(time)
            let count = header.version == 1 ? 8 : 4
            let bytes = try reader.bytes(header.body)
            guard bytes.count >= count else { throw .corrupt("the box “tfdt” is too short") }
            start = BigEndian.number(bytes, at: 0, count)
            parts.append(.bytes(.fullBox("tfdt", version: header.version, Array(bytes.prefix(count)))))
        }
        cleaned = Fragment.TrackPart(track: track, isText: isText, start: start, unitForm: unitForm, parts: parts)
    }

    /// Reads the runs; without a base of its own, data begins where that of the track before ends.
    mutating func readRuns(
        previousEnd: Int64, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        let base = base ?? previousEnd
        end = base
        for child in children {
            switch child.type {
            case "tfhd", "tfdt", "free", "skip", "saiz", "saio", "sdtp", "subs": continue
            case "trun":
                let run = try run(child, base: base)
                end = run.data.upperBound
                cleaned.parts.append(.run(run))
            case "sbgp", "sgpd":
                if let group = try SampleGroup.clean(child, kept: SampleTable.groups, reader) {
                    cleaned.parts.append(.bytes(group))
                }
            case "senc": throw .unsupported("encryption")
            default: FilmWords.note(child, reader, removed: &removed)
            }
        }
    }

    private mutating func run(_ box: Box, base: Int64) throws(CleaningError) -> Fragment.SampleRun {
        let header = try reader.full(box)
        guard header.version <= 1 else { throw .unsupported("the box “trun” of version \(header.version)") }
        let flags = header.flags & 0xF05
        let prefixBytes: Int64 = 4 + (flags & 1 != 0 ? 4 : 0) + (flags & 4 != 0 ? 4 : 0)
        guard header.bodyBytes >= prefixBytes else { throw .corrupt("the box “trun” is too short") }
        var fields = FieldReader(
            try reader.bytes(header.body.lowerBound..<header.body.lowerBound + prefixBytes), of: "trun")
        let count = Int64(try fields.number(4))
        let offset = flags & 1 != 0 ? Int64(Int32(truncatingIfNeeded: try fields.number(4))) : nil
        let firstFlags = fields.rest
        let fieldCount = Int64((flags & 0xF00).nonzeroBitCount)
        let start = header.body.lowerBound + prefixBytes
        guard count <= SampleTable.sampleLimit, count * fieldCount * 4 <= header.body.upperBound - start else {
            throw .corrupt("the box “trun” is too short")
        }
        let entries = start..<start + count * fieldCount * 4
        let bytes = try measure(count, flags, entries, fields: fieldCount)
        cleaned.samples += count

        // Both may be anywhere in the file, and not far beyond it.
        let place = offset.map { base.addingReportingOverflow($0) } ?? (partialValue: end, overflow: false)
        guard !place.overflow, place.partialValue >= 0, bytes <= Int64.max - place.partialValue else {
            throw .corrupt("a fragment's data lies outside of the file")
        }
        let size = UInt32(20 + firstFlags.count) + UInt32(entries.count)
        let start_ = BigEndian.bytes(size) + BoxType("trun").bytes
        let versionAndFlags = BigEndian.bytes(UInt32(header.version) << 24 | flags | 1)
        let hasSizes = flags & 0x200 != 0
        let sizes = Fragment.RunSizes(
            count: count, standard: Int64(defaults.size),
            field: hasSizes ? (flags & 0x100 != 0 ? 1 : 0, fieldCount) : nil)
        var flagsOfFirst = defaults.flags
        if firstFlags.count == 4 {
            flagsOfFirst = UInt32(BigEndian.number(firstFlags, at: 0, 4))
        } else if flags & 0x400 != 0, count > 0 {
            let place = entries.lowerBound + 4 * Int64((flags & 0x300).nonzeroBitCount)
            flagsOfFirst = UInt32(try reader.source.bigEndian(4, at: place))
        }
        return Fragment.SampleRun(
            header: start_ + versionAndFlags + BigEndian.bytes(UInt32(count)) + [0, 0, 0, 0] + firstFlags,
            entries: entries, data: place.partialValue..<place.partialValue + bytes, sizes: sizes,
            firstFlags: flagsOfFirst)
    }

    /// Bytes of the samples of a run; adds up their durations.
    private mutating func measure(
        _ count: Int64, _ flags: UInt32, _ entries: Range<Int64>, fields: Int64
    ) throws(CleaningError) -> Int64 {
        let hasDurations = flags & 0x100 != 0
        let hasSizes = flags & 0x200 != 0
        var bytes = hasSizes ? 0 : count * Int64(defaults.size)
        var duration = hasDurations ? 0 : UInt64(count) * UInt64(defaults.duration)
        if hasDurations || hasSizes {
            var table = NumberTable(reader.source, at: entries.lowerBound, width: 4, count: count * fields)
            for index in 0..<count {
                if hasDurations { duration += try table.number(at: index * fields) }
                if hasSizes { bytes += Int64(try table.number(at: index * fields + (hasDurations ? 1 : 0))) }
            }
        }
        // Runs of one fragment may add up to more than 64 bits: such a film does not exist.
        let sum = cleaned.duration.addingReportingOverflow(duration)
        guard !sum.overflow else { throw .corrupt("a fragment lasts too long") }
        cleaned.duration = sum.partialValue
        return bytes
    }
}
