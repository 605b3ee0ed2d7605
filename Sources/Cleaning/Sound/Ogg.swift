/// Cleans sound in Ogg (RFC 3533): Vorbis, Opus (RFC 7845), FLAC (RFC 9639, section 10.1) and Speex, also one behind the
/// other (chained) or side by side.
///
/// | part | what becomes of it |
/// |------|--------------------|
/// | first packet of a stream | kept; the name of Speex's program is made zeros |
/// | comments | ReplayGain and R128 gains alone, with an empty vendor |
/// | Vorbis' setup, sound | kept bit for bit, with granule positions |
/// | FLAC's other blocks of metadata | dropped |
/// | Skeleton streams (a table of the others, with names) | dropped |
/// | page numbers and CRCs | anew where comments took more pages than they need now |
/// | Theora and all other streams | an error |
package enum Ogg {
    private static let streamLimit = 64
    private static let chainLimit = 4096
    /// Pages whose headers are written anew: 30 MiB of memory.
    private static let pageLimit = 1 << 18

    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        var file = CleanedFile()
        var copy = CleanCopy()
        var link = OggLink()
        var links = 1
        var seconds = 0.0
        var offset: Int64 = 0
        while offset < source.count {
            let page = try OggPage(source, at: offset)
            offset = page.range.upperBound
            if page.flags.contains(.first), !link.isBeginning {
                seconds += try link.end(&file.removed)
                link = OggLink(behind: link)
                links += 1
                if links > chainLimit { throw .excessive("more than \(chainLimit) pieces of sound") }
            }
            try link.take(page, source, to: &copy)
            if link.count > streamLimit { throw .excessive("more than \(streamLimit) streams") }
            if link.numberedPages > pageLimit { throw .excessive("more than \(pageLimit) pages to number anew") }
        }
        file.copy = copy
        file.seconds = try seconds + link.end(&file.removed)
        return file
    }
}

/// Streams that are side by side: one link of the chain that an Ogg file is.
struct OggLink {
    private enum Member {
        case sound(OggStream)
        /// A stream that is left out.
        case dropped
    }

    /// Bytes of packets that are held, of streams side by side, until their sound begins.
    private static let heldLimit = 16 << 20
    /// Bytes of packets before the sound that stay, of all pieces.
    private static let keptLimit = 32 << 20

    private var members: [UInt32: Member] = [:]
    private var heldBytes = 0
    private var keptBytes = 0
    /// Pages that got another number, of all pieces.
    private(set) var numberedPages = 0
    /// Whether only first pages of streams have been seen.
    private(set) var isBeginning = true
    private var removed: Set<RemovedMetadata> = []

    init() {}

    init(behind link: Self) { (keptBytes, numberedPages) = (link.keptBytes, link.numberedPages) }

    var count: Int { members.count }

    mutating func take(_ page: OggPage, _ source: SourceBytes, to copy: inout CleanCopy) throws(CleaningError) {
        if page.flags.contains(.first) { return try begin(page, source, to: &copy) }
        isBeginning = false
        switch members[page.stream] {
        case .sound(var stream):
            // Taken out, so that it is not copied.
            members[page.stream] = .dropped
            let before = (stream.heldBytes, stream.keptBytes)
            try stream.take(page, source, to: &copy)
            heldBytes += stream.heldBytes - before.0
            keptBytes += stream.keptBytes - before.1
            if stream.isRenumbered { numberedPages += 1 }
            guard heldBytes <= Self.heldLimit else { throw .excessive("more than 16 MiB of comments") }
            guard keptBytes <= Self.keptLimit else { throw .excessive("codecs described by more than 32 MiB") }
            members[page.stream] = .sound(stream)
        case .dropped: break
        case nil: throw .corrupt("a page in it belongs to no stream")
        }
    }

    private mutating func begin(
        _ page: OggPage, _ source: SourceBytes, to copy: inout CleanCopy
    ) throws(CleaningError) {
        let packet = Array(try page.content(source))
        let ends = page.lacing.indices.filter { page.lacing[$0] < 255 }
        guard members[page.stream] == nil, ends == [page.lacing.count - 1], !page.flags.contains(.continued) else {
            throw .corrupt("a stream in it does not begin with one packet")
        }
        if packet.starts(with: "fishead\0".utf8) {
            members[page.stream] = .dropped
            removed.insert(.other)
        } else if let stream = try OggStream(packet, page) {
            copy.append(stream.firstPage(page))
            members[page.stream] = .sound(stream)
        } else if packet.dropFirst().starts(with: "theora".utf8) {
            throw .unsupported("Theora in Ogg")
        } else {
            throw .unsupported("a stream in Ogg of an unknown kind")
        }
    }

    /// Seconds of the longest stream; all of them must have begun.
    func end(_ words: inout Set<RemovedMetadata>) throws(CleaningError) -> Double {
        words.formUnion(removed)
        var seconds: Double?
        for case .sound(let stream) in members.values {
            guard stream.hasSound else { throw .truncated }
            seconds = max(seconds ?? 0, stream.seconds)
            words.formUnion(stream.removed)
        }
        guard let seconds else { throw .corrupt("no sound is in it") }
        return seconds
    }
}
