/// Clusters (RFC 9559, section 5.1.3). Blocks stay where their track does, bit for bit but for messages inside pictures
/// (`UnitMessages`). What is added to blocks stays where
/// it is alpha (WebM), or light that changes from frame to frame (HDR10+, ITU-T T.35); time codes and others go.
extension MatroskaCleaner {
    private static let blockLimit = 20_000_000

    /// Takes a cluster, and returns where the next element begins. One of unknown size ends where an element begins that
    /// stands beside clusters (RFC 8794, section 6.2).
    mutating func takeCluster(_ cluster: Ebml.Element, end: Int64) throws(CleaningError) -> Int64 {
        guard tracks != nil else { throw .unsupported("blocks in front of the tracks") }
        let limit = cluster.end ?? end
        var offset = cluster.content
        var timestamp: UInt64 = 0
        while offset < limit {
            let child = try Ebml.element(source, at: offset, limit: limit)
            if cluster.end == nil, MatroskaID.topLevel.contains(child.id) { break }
            guard let next = child.end else { throw .unsupported("an element of unknown size within a cluster") }
            switch child.id {
            case 0xE7:
                timestamp = try Ebml.unsigned(source, child)
                try countElement()
            case 0xA3:
                let (track, isDropped) = try block(child, timestamp)
                if isDropped { try void(child, nil) } else { try cleanUnits(of: child, track) }
            case 0xA0: try takeGroup(child, timestamp)
            default:
                try countElement()
                try apply(MatroskaRules.cluster[child.id], child)
            }
            offset = next
        }
        return offset
    }

    /// Reads the head of a block (RFC 9559, section 10): its track, and its time relative to the cluster.
    private mutating func block(_ element: Ebml.Element, _ timestamp: UInt64, duration: UInt64 = 0)
        throws(CleaningError)
        -> (track: UInt64, isDropped: Bool)
    {
        blocks += 1
        if blocks > Self.blockLimit { throw .excessive("more than 20 million blocks") }
        let head = try source.bytes(min(8, element.body.count), at: element.content)
        let length = (head.first ?? 0).leadingZeroBitCount + 1
        guard length <= 4, head.count >= length + 3, let time = head.bigEndian16(at: length) else {
            throw .corrupt("a block in it is too short")
        }
        let track = head.prefix(length).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } & (1 << (7 * UInt64(length)) - 1)
        if tracks?.dropped.contains(track) == true { return (track, true) }
        guard let kept = tracks?.byNumber[track] else { throw .corrupt("a block in it belongs to no track") }
        if let form = kept.text, !telling.contains(track) {
            try look(at: element.content + Int64(length + 3)..<element.body.upperBound, form, track)
        }
        let relative = Int16(truncatingIfNeeded: time)
        lastTimestamp = max(lastTimestamp, Double(timestamp) + Double(relative) + Double(duration))
        return (track, false)
    }

    /// Notes a track of subtitles that tells positions, by what a block of it says.
    private mutating func look(
        at content: Range<Int64>, _ form: MatroskaTracks.TextForm, _ track: UInt64
    ) throws(CleaningError) {
        switch form {
        case .plain: if try text.isIn(content, source) { telling.insert(track) }
        case .deflated:
            guard content.count <= 1 << 16,
                let inflated = Inflater.zlib(try source.bytes(content.count, at: content.lowerBound), limit: 1 << 20)
            else { throw .corrupt("packed subtitles in it cannot be read") }
            try text.spend(Int64(inflated.count))
            if TextTelemetry.isIn(inflated.filter { $0 != 0 }) { telling.insert(track) }
        }
    }

    /// Writes others in the place of messages in the pictures of a block that has one frame.
    private mutating func cleanUnits(of block: Ebml.Element, _ track: UInt64) throws(CleaningError) {
        guard let form = tracks?.byNumber[track]?.unitForm else { return }
        let head = Int64(try source.byte(at: block.content).leadingZeroBitCount + 4)
        guard head <= Int64(block.body.count), try source.byte(at: block.content + head - 1) & 6 == 0 else { return }
        try messages.look(at: block.content + head..<block.body.upperBound, form)
        for (unit, copy) in try messages.taken() { try output.replace(unit, with: copy) }
    }

    private mutating func takeGroup(_ group: Ebml.Element, _ timestamp: UInt64) throws(CleaningError) {
        let children = try Ebml.elements(source, group.body, limit: 1000)
        let found = children.filter { $0.id == 0xA1 }
        guard found.count == 1 else { throw .corrupt("a group of blocks in it has not one block") }
        var duration: UInt64 = 0
        for child in children where child.id == 0x9B { duration = try Ebml.unsigned(source, child) }
        let (track, isDropped) = try block(found[0], timestamp, duration: duration)
        if isDropped { return try void(group, nil) }
        for child in children {
            if child.id == 0x75A1 {
                try takeAdditions(child, track)
            } else if child.id == 0xA1 {
                try cleanUnits(of: child, track)
            } else {
                try apply(MatroskaRules.blockGroup[child.id], child)
            }
        }
    }

    private mutating func takeAdditions(_ additions: Ebml.Element, _ track: UInt64) throws(CleaningError) {
        let parts = try Ebml.elements(source, additions.body, limit: 1000)
        var kept: Set<Int64> = []
        for part in parts where part.id == 0xA6 {
            if try isKept(Ebml.elements(source, part.body, limit: 100), track) { kept.insert(part.start) }
        }
        if kept.isEmpty { return try void(additions, .telemetry) }
        for part in parts {
            if kept.contains(part.start) {
                try apply([0xEE: .keep, 0xA5: .binary(.max)], part.body)
            } else {
                try void(part, part.id == 0xA6 ? .telemetry : nil)
            }
        }
    }

    /// Whether this addition to a block is a picture's alpha or light.
    private func isKept(_ addition: [Ebml.Element], _ track: UInt64) throws(CleaningError) -> Bool {
        guard let track = tracks?.byNumber[track], addition.filter({ $0.id == 0xA5 }).count == 1 else { return false }
        var number: UInt64 = 1
        for part in addition where part.id == 0xEE { number = try Ebml.unsigned(source, part, default: 1) }
        if track.alphaAdditions.contains(number) { return true }
        guard track.lightAdditions.contains(number), let data = addition.first(where: { $0.id == 0xA5 }),
            data.body.count >= 6
        else { return false }
        // Country USA, provider Samsung, application 4: HDR10+ (CTA-861-H, annex S).
        return try source.bytes(6, at: data.content).elementsEqual([0xB5, 0x00, 0x3C, 0x00, 0x01, 0x04])
    }
}
