/// Key frames of Matroska and WebM (RFC 9559).
extension FilmPoster {
    /// Nil for films of which no frame can be decoded here.
    init?(matroska source: SourceBytes) throws(CleaningError) {
        var search = MatroskaKeyFrames(source)
        try search.read()
        guard let film = search.film, !search.frames.isEmpty else { return nil }
        self.init(
            coding: film.coding, width: film.width, height: film.height, frames: search.frames,
            configuration: film.configuration, codePoints: film.codePoints, isFullRange: film.isFullRange)
    }
}

/// A track of film as far as a decoder needs it.
private struct MatroskaFilm {
    let number: UInt64
    let coding: FilmPoster.Coding
    let width: Int
    let height: Int
    /// As a box of ISO's format; empty for VP8.
    let configuration: [UInt8]
    private(set) var codePoints: [UInt16]?
    private(set) var isFullRange = false

    /// Nil for a track of another kind, or one whose blocks are packed.
    init?(_ entry: Ebml.Element, _ source: SourceBytes) throws(CleaningError) {
        let parts = try Ebml.elements(source, entry.body)
        func part(_ id: UInt32) -> Ebml.Element? { parts.first { $0.id == id } }
        guard let number = part(0xD7), let codecID = part(0x86), let video = part(0xE0), part(0x6D80) == nil else {
            return nil
        }
        self.number = try Ebml.unsigned(source, number)
        let described = part(0x63A2)
        let count = min(described?.body.count ?? 0, 1 << 16)
        let settings = try described.map { found throws(CleaningError) in
            Array(try source.bytes(count, at: found.content))
        }
        switch try Ebml.text(source, codecID) {
        case "V_MPEG4/ISO/AVC": (coding, configuration) = (.avc, .box("avcC", settings ?? []))
        case "V_MPEGH/ISO/HEVC": (coding, configuration) = (.hevc, .box("hvcC", settings ?? []))
        case "V_AV1": (coding, configuration) = (.av1, .box("av1C", settings ?? []))
        case "V_VP8": (coding, configuration) = (.vp8, [])
        default: return nil
        }
        var values: [UInt32: UInt64] = [:]
        for part in try Ebml.elements(source, video.body) {
            if part.id == 0x55B0 {
                for colour in try Ebml.elements(source, part.body) where (1...8).contains(colour.body.count) {
                    values[colour.id] = try Ebml.unsigned(source, colour)
                }
            } else if (1...8).contains(part.body.count) {
                values[part.id] = try Ebml.unsigned(source, part)
            }
        }
        guard let width = values[0xB0], let height = values[0xBA], (1...65_535).contains(width),
            (1...65_535).contains(height), width * height <= UInt64(FilmPoster.pixelLimit)
        else { return nil }
        (self.width, self.height) = (Int(width), Int(height))
        isFullRange = values[0x55B9] == 2
        // Primaries, curve, matrix; 2 is unspecified.
        let points = [0x55BB, 0x55BA, 0x55B1].map { values[$0].map { UInt16(clamping: $0) } ?? 2 }
        if points != [2, 2, 2] { codePoints = points }
    }
}

/// Goes over the elements of a film up to the frames that may stand for it.
private struct MatroskaKeyFrames {
    private static let elementLimit = 100_000

    private let source: SourceBytes
    private(set) var film: MatroskaFilm?
    private(set) var frames: [Range<Int64>] = []
    private var nanosecondsOfTick: UInt64 = 1_000_000
    private var first: Int64?
    private var last: Int64?
    private var elementsLeft = MatroskaKeyFrames.elementLimit

    init(_ source: SourceBytes) { self.source = source }

    mutating func read() throws(CleaningError) {
        let header = try Ebml.element(source, at: 0, limit: source.count)
        let segment = try Ebml.element(source, at: header.range.upperBound, limit: source.count)
        let end = segment.end ?? source.count
        var offset = segment.content
        while offset < end, let element = try element(at: offset, end) {
            offset = element.range.upperBound
            switch element.id {
            case MatroskaID.info:
                for child in try Ebml.elements(source, element.body) where child.id == 0x2AD7B1 {
                    nanosecondsOfTick = max(1, try Ebml.unsigned(source, child, default: 1_000_000))
                }
            case MatroskaID.tracks:
                for child in try Ebml.elements(source, element.body) where child.id == 0xAE && film == nil {
                    film = try MatroskaFilm(child, source)
                }
                if film == nil { return }
            case MatroskaID.cluster:
                guard let next = try readCluster(element, end) else { return }
                offset = next
            default: continue
            }
        }
    }

    /// Nil behind so many elements.
    private mutating func element(at offset: Int64, _ end: Int64) throws(CleaningError) -> Ebml.Element? {
        elementsLeft -= 1
        return elementsLeft < 0 ? nil : try Ebml.element(source, at: offset, limit: end)
    }

    /// Where the next element begins; nil where enough was seen.
    private mutating func readCluster(_ cluster: Ebml.Element, _ end: Int64) throws(CleaningError) -> Int64? {
        let limit = cluster.end ?? end
        var offset = cluster.content
        var time: UInt64 = 0
        while offset < limit {
            guard let child = try element(at: offset, limit) else { return nil }
            if cluster.end == nil, MatroskaID.topLevel.contains(child.id) { break }
            guard child.end != nil else { return nil }
            offset = child.range.upperBound
            switch child.id {
            case 0xE7: time = try Ebml.unsigned(source, child)
            case 0xA3: if try !take(child, time, isKey: nil) { return nil }
            case 0xA0:
                let parts = try Ebml.elements(source, child.body, limit: 1000)
                let isKey = !parts.contains { $0.id == 0xFB }
                for part in parts where part.id == 0xA1 { if try !take(part, time, isKey: isKey) { return nil } }
            default: continue
            }
        }
        return offset
    }

    /// Looks at a block; `isKey` says of one in a group what a simple one says itself. False behind the time of posters.
    private mutating func take(_ block: Ebml.Element, _ time: UInt64, isKey: Bool?) throws(CleaningError) -> Bool {
        let head = try source.bytes(min(8, block.body.count), at: block.content)
        let length = (head.first ?? 0).leadingZeroBitCount + 1
        guard let film, length <= 4, head.count >= length + 3, let relative = head.bigEndian16(at: length) else {
            return false
        }
        let track = head.prefix(length).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } & (1 << (7 * UInt64(length)) - 1)
        let flags = head[head.startIndex + length + 2]
        guard track == film.number, flags & 6 == 0, isKey ?? (flags & 0x80 != 0) else { return true }
        let begin = Int64(clamping: time).addingReportingOverflow(Int64(Int16(truncatingIfNeeded: relative)))
            .partialValue
        let ticks = Int64(clamping: FilmPoster.seconds * 1_000_000_000 / nanosecondsOfTick)
        first = first ?? begin
        let since = begin.subtractingReportingOverflow(first ?? begin)
        guard !since.overflow, (0...ticks).contains(since.partialValue) else { return false }
        if let last, begin.subtractingReportingOverflow(last).partialValue < ticks / Int64(FilmPoster.frameLimit) {
            return true
        }
        let frame = block.content + Int64(length + 3)..<block.body.upperBound
        guard (1...FilmPoster.frameLimitBytes).contains(Int64(frame.count)) else { return true }
        last = begin
        frames.append(frame)
        return frames.count < FilmPoster.frameLimit
    }
}
