/// Cleans Matroska and WebM (RFC 9559). Everything stays in its place, so that no offset changes.
///
/// | element | what becomes of it |
/// |---------|--------------------|
/// | Tags, Attachments, Chapters, unknown ones | Void of the same size, with zeros |
/// | Info | TimestampScale and Duration stay, MuxingApp and WritingApp become empty, all else Void |
/// | SeekHead | entries that point at what has gone become Void |
/// | Tracks | see `MatroskaTracks`; tracks that are no picture, sound or subtitle, and subtitles that tell positions, become Void, with their blocks and cues |
/// | Cluster | blocks stay, but for messages inside pictures; additions only for alpha and light (see `MatroskaClusters`) |
/// | Cues | stay |
/// | Void, CRC-32 | Void with zeros |
/// | behind the segment | dropped |
package enum Matroska {
    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        var cleaner = MatroskaCleaner(source)
        let file = try cleaner.clean()
        if cleaner.telling.isEmpty { return file }
        // Which subtitles tell positions is known only once their blocks have been read: once more, without them.
        cleaner = MatroskaCleaner(source, leavingOut: cleaner.telling)
        var rest = try cleaner.clean()
        rest.removed.formUnion([.gps, .telemetry])
        return rest
    }
}

/// Walks over a file, from the first element to the last.
struct MatroskaCleaner {
    /// Elements of a file, blocks and what is in their groups not counted.
    private let elementLimit: Int
    let source: SourceBytes
    var output = InPlaceCopy()
    var removed: Set<RemovedMetadata> = []
    var tracks: MatroskaTracks?
    private var elements = 0
    private var timestampScale: UInt64 = 1_000_000
    private var duration = 0.0
    /// The end of the last block, in units of TimestampScale.
    var lastTimestamp: Double = 0
    var blocks = 0
    /// Numbers of tracks that stay only if nobody minds: subtitles that tell positions.
    var telling: Set<UInt64> = []
    var text = TextTelemetry()
    var messages: UnitMessages
    private let leftOut: Set<UInt64>
    private var hasInfo = false
    private var hasCuesBeforeTracks = false

    init(_ source: SourceBytes, leavingOut leftOut: Set<UInt64> = [], elementLimit: Int = 1_000_000) {
        self.source = source
        messages = UnitMessages(source)
        self.leftOut = leftOut
        self.elementLimit = elementLimit
    }

    mutating func clean() throws(CleaningError) -> CleanedFile {
        let header = try Ebml.element(source, at: 0, limit: source.count)
        guard header.id == MatroskaID.ebml, let headerEnd = header.end else {
            throw .corrupt("it does not begin like Matroska")
        }
        try check(header)
        try apply(MatroskaRules.header, header.body)
        let segment = try Ebml.element(source, at: headerEnd, limit: source.count)
        guard segment.id == MatroskaID.segment else { throw .corrupt("it has no segment") }
        let end = segment.end ?? source.count
        var offset = segment.content
        while offset < end { offset = try takeTopLevel(at: offset, end: end) }
        if end < source.count { removed.insert(.trailing) }
        output.finish(at: end)
        guard hasInfo, let tracks, blocks > 0 else { throw .corrupt("it has no information, no tracks or no blocks") }
        var file = CleanedFile()
        file.copy = output.copy
        file.removed = removed.union(messages.removed)
        file.size = tracks.displaySize
        let ticks = duration > 0 ? duration : lastTimestamp
        file.seconds = ticks * Double(timestampScale) / 1_000_000_000
        return file
    }

    /// The EBML header: versions and lengths that are understood (RFC 8794, section 11.2).
    private func check(_ header: Ebml.Element) throws(CleaningError) {
        var type = ""
        for child in try Ebml.elements(source, header.body, limit: 100) {
            switch child.id {
            case 0x42F7: try refuse(child, above: 1, "a newer version of EBML")
            case 0x42F2: try refuse(child, above: 4, "IDs of more than 4 bytes")
            case 0x42F3: try refuse(child, above: 8, "sizes of more than 8 bytes")
            case 0x4285: try refuse(child, above: 5, "a newer version of Matroska")
            case 0x4282: type = try Ebml.text(source, child)
            default: break
            }
        }
        guard ["matroska", "webm"].contains(type) else { throw .unsupported("a document of EBML that is no film") }
    }

    private func refuse(_ element: Ebml.Element, above limit: UInt64, _ what: String) throws(CleaningError) {
        if try Ebml.unsigned(source, element, default: 1) > limit { throw .unsupported(what) }
    }

    private mutating func takeTopLevel(at offset: Int64, end: Int64) throws(CleaningError) -> Int64 {
        let element = try Ebml.element(source, at: offset, limit: end)
        try countElement()
        if element.id == MatroskaID.cluster { return try takeCluster(element, end: end) }
        guard let next = element.end else { throw .unsupported("an element of unknown size that is no cluster") }
        switch element.id {
        case MatroskaID.info:
            guard !hasInfo else { throw .corrupt("it has information twice") }
            hasInfo = true
            try readInfo(element)
            try apply(MatroskaRules.info, element.body)
        case MatroskaID.tracks:
            guard tracks == nil else { throw .corrupt("it has tracks twice") }
            try takeTracks(element)
        case MatroskaID.seekHead: try takeSeekHead(element)
        case MatroskaID.cues: try takeCues(element)
        case MatroskaID.tags: try voidTags(element)
        case MatroskaID.attachments: try voidAttachments(element)
        case MatroskaID.chapters: try void(element, .text)
        case Ebml.voidID, Ebml.crcID: try void(element, nil)
        case MatroskaID.segment, MatroskaID.ebml: throw .unsupported("more than one segment")
        default: try void(element, .other)
        }
        return next
    }

    private mutating func readInfo(_ info: Ebml.Element) throws(CleaningError) {
        for child in try Ebml.elements(source, info.body) {
            if child.id == 0x2AD7B1 { timestampScale = try Ebml.unsigned(source, child, default: 1_000_000) }
            if child.id == 0x4489 { duration = try Ebml.float(source, child) }
        }
        guard (1...1_000_000_000_000).contains(timestampScale), duration.isFinite, duration < 1e15 else {
            throw .corrupt("its time scale or duration cannot be")
        }
    }

    // MARK: Tools

    mutating func countElement() throws(CleaningError) {
        elements += 1
        if elements > elementLimit { throw .excessive("more than \(elementLimit) elements") }
    }

    mutating func void(_ element: Ebml.Element, _ word: RemovedMetadata?) throws(CleaningError) {
        try output.void(element.range)
        if let word { removed.insert(word) }
    }

    /// Does with the children of a master what the table says. Depth is that of the tables.
    mutating func apply(_ rules: [UInt32: MatroskaRule], _ range: Range<Int64>) throws(CleaningError) {
        for child in try Ebml.elements(source, range, limit: 100_000) {
            try countElement()
            try apply(rules[child.id], child)
        }
    }

    mutating func apply(_ rule: MatroskaRule?, _ element: Ebml.Element) throws(CleaningError) {
        if element.id == Ebml.voidID || element.id == Ebml.crcID { return try void(element, nil) }
        switch rule {
        case .keep:
            if element.body.count > 8 { throw .corrupt("a number in it has more than 8 bytes") }
        case .name:
            guard element.body.count <= 64, try Ebml.isName(source, element) else {
                throw .corrupt("the name of a codec, language or kind in it is none")
            }
        case .binary(let limit):
            if element.body.count > limit { throw .excessive("an element of more than \(limit) bytes") }
        case .master(let rules): try apply(rules, element.body)
        case .language(let isTag):
            guard try !Ebml.isLanguage(source, element, isTag: isTag) else { return }
            removed.insert(.text)
            // The one of no tag is not “English”, which is what no element would say.
            if !isTag, element.body.count >= 3 {
                let undetermined = Array("und".utf8) + [UInt8](repeating: 0, count: min(64, element.body.count) - 3)
                guard undetermined.count == element.body.count else { throw .corrupt("the name of a language is none") }
                try output.replace(at: element.content, with: undetermined)
            } else {
                try void(element, nil)
            }
        case .blank:
            if try source.bytes(min(1 << 16, element.body.count), at: element.content).contains(where: { $0 != 0 }) {
                removed.insert(.encoder)
            }
            try output.blank(element.body)
        case .void(let word): try void(element, word)
        case .refuse(let what): throw .unsupported(what)
        case nil: try void(element, .other)
        }
    }
}

extension MatroskaCleaner {
    /// SeekHead: entries stay that point at what stays. One without any becomes Void as a whole.
    private mutating func takeSeekHead(_ head: Ebml.Element) throws(CleaningError) {
        let entries = try Ebml.elements(source, head.body)
        var kept: Set<Int64> = []
        for entry in entries where entry.id == 0x4DBB {
            for child in try Ebml.elements(source, entry.body, limit: 100) where child.id == 0x53AB {
                let id = try Ebml.unsigned(source, child)
                if MatroskaID.kept.contains(where: { UInt64($0) == id }) { kept.insert(entry.start) }
            }
        }
        if kept.isEmpty { return try void(head, nil) }
        for entry in entries {
            try countElement()
            if kept.contains(entry.start) {
                try apply([0x53AB: .keep, 0x53AC: .keep], entry.body)
            } else {
                try void(entry, nil)
            }
        }
    }

    /// Cues: points stay, but not those of tracks that have gone. One without any becomes Void as a whole.
    private mutating func takeCues(_ cues: Ebml.Element) throws(CleaningError) {
        if tracks == nil { hasCuesBeforeTracks = true }
        let dropped = tracks?.dropped ?? []
        var offset = cues.body.lowerBound
        while offset < cues.body.upperBound {
            let point = try Ebml.element(source, at: offset, limit: cues.body.upperBound)
            guard let end = point.end else { throw .unsupported("an element of unknown size within another") }
            offset = end
            try countElement()
            guard point.id == 0xBB else {
                try void(point, point.id == Ebml.voidID || point.id == Ebml.crcID ? nil : .other)
                continue
            }
            let children = try Ebml.elements(source, point.body, limit: 1000)
            var gone: Set<Int64> = []
            for child in children where child.id == 0xB7 {
                for part in try Ebml.elements(source, child.body, limit: 1000) where part.id == 0xF7 {
                    if dropped.contains(try Ebml.unsigned(source, part)) { gone.insert(child.start) }
                }
            }
            guard children.contains(where: { $0.id == 0xB7 && !gone.contains($0.start) }) else {
                try void(point, nil)
                continue
            }
            for child in children {
                try countElement()
                if gone.contains(child.start) {
                    try void(child, nil)
                } else {
                    try apply([0xB3: .keep, 0xB7: .master(MatroskaRules.cuePositions)][child.id], child)
                }
            }
        }
    }

    private mutating func takeTracks(_ element: Ebml.Element) throws(CleaningError) {
        let tracks = try MatroskaTracks(source, element, leavingOut: leftOut)
        if hasCuesBeforeTracks, !tracks.dropped.isEmpty {
            throw .unsupported("cues in front of tracks that have to go")
        }
        self.tracks = tracks
        for child in try Ebml.elements(source, element.body) {
            try countElement()
            guard child.id == 0xAE else {
                try void(child, child.id == Ebml.voidID || child.id == Ebml.crcID ? nil : .other)
                continue
            }
            guard let track = tracks.entries[child.start] else {
                try void(child, .telemetry)
                continue
            }
            for part in try Ebml.elements(source, child.body) {
                try countElement()
                switch track.changes[part.start] {
                case .shorter(let bytes, let words):
                    removed.formUnion(words)
                    try output.replace(at: part.start, with: Ebml.shortened(part, to: bytes))
                case .content(let bytes, let words):
                    if try !source.bytes(bytes.count, at: part.content).elementsEqual(bytes) {
                        removed.formUnion(words)
                        try output.replace(at: part.content, with: bytes)
                    }
                case .void: try void(part, .telemetry)
                case nil: try apply(MatroskaRules.track[part.id], part)
                }
            }
        }
    }

    /// What tags told, by their names; at most some thousand are looked at.
    private mutating func voidTags(_ tags: Ebml.Element) throws(CleaningError) {
        removed.formUnion(MatroskaWords.tags(source, tags))
        try void(tags, nil)
    }

    private mutating func voidAttachments(_ attachments: Ebml.Element) throws(CleaningError) {
        removed.formUnion(MatroskaWords.attachments(source, attachments))
        try void(attachments, nil)
    }
}

/// What goes as a whole told. Damage within is no error: it goes all the same.
enum MatroskaWords {
    static func tags(_ source: SourceBytes, _ tags: Ebml.Element) -> Set<RemovedMetadata> {
        var count = 0
        let words = words(source, tags.body, through: [0x7373, 0x67C8], to: 0x45A3, depth: 6, &count) {
            removedMetadata(forTag: $0)
        }
        return words.isEmpty ? [.text] : words
    }

    static func attachments(_ source: SourceBytes, _ attachments: Ebml.Element) -> Set<RemovedMetadata> {
        var count = 0
        let words = words(source, attachments.body, through: [0x61A7], to: 0x4660, depth: 2, &count) {
            $0.hasPrefix("image/") ? .cover : .other
        }
        return words.isEmpty ? [.other] : words
    }

    private static func words(
        _ source: SourceBytes, _ range: Range<Int64>, through masters: Set<UInt32>, to id: UInt32, depth: Int,
        _ count: inout Int, _ word: (String) -> RemovedMetadata
    ) -> Set<RemovedMetadata> {
        guard depth > 0, count < 10_000, let children = try? Ebml.elements(source, range, limit: 1000) else {
            return []
        }
        count += children.count
        var result: Set<RemovedMetadata> = []
        for child in children {
            if child.id == id, let text = try? Ebml.text(source, child) { result.insert(word(text)) }
            if masters.contains(child.id) {
                result.formUnion(words(source, child.body, through: masters, to: id, depth: depth - 1, &count, word))
            }
        }
        return result
    }
}
