/// One stream of an Ogg file: collects its headers, writes them anew, and gives later pages their numbers.
struct OggStream {
    /// Packets before the sound: FLAC may have many.
    private static let packetLimit = 1000
    /// Bytes of them that stay: Vorbis' setup has some 10,000.
    private static let keptLimit = 1 << 20

    private var headers: OggHeaders
    private let stream: UInt32
    private var packets: [[UInt8]] = []
    private var packet: [UInt8] = []
    private var headerPages: UInt32 = 0
    /// Bytes of packets that are held until the sound begins.
    private(set) var heldBytes = 0
    /// Bytes of packets that were written in their place.
    private(set) var keptBytes = 0
    private var firstNumber: UInt32 = 0
    /// What is added to the numbers of pages behind the headers.
    private var shift: UInt32 = 0
    private(set) var hasSound = false
    private(set) var lastGranule: Int64 = 0

    /// Begins with the first page, on which there is one packet; nil if the stream is none of sound.
    init?(_ packet: [UInt8], _ page: OggPage) throws(CleaningError) {
        guard let headers = try OggHeaders(packet) else { return nil }
        self.headers = headers
        stream = page.stream
    }

    var removed: Set<RemovedMetadata> { headers.removed }

    var isRenumbered: Bool { shift != 0 }

    var seconds: Double { Double(max(0, lastGranule - headers.skipped)) / Double(headers.rate) }

    /// The first page, as it is written.
    func firstPage(_ page: OggPage) -> [UInt8] {
        OggPage.bytes(
            page.flags, granule: 0, stream: stream, number: page.number, lacing: page.lacing, content: headers.first)
    }

    /// Writes what becomes of a page behind the first.
    mutating func take(_ page: OggPage, _ source: SourceBytes, to copy: inout CleanCopy) throws(CleaningError) {
        if hasSound {
            lastGranule = max(lastGranule, page.granule)
            if shift == 0 {
                copy.append(original: page.range)
            } else {
                let content = try page.content(source)
                let bytes = OggPage.bytes(
                    page.flags, granule: page.granule, stream: stream, number: page.number &+ shift,
                    lacing: page.lacing, content: content)
                copy.append(Array(bytes.prefix(OggPage.headerBytes)))
                copy.append(original: page.range.lowerBound + Int64(OggPage.headerBytes)..<page.range.upperBound)
            }
        } else {
            try collect(page, source)
            guard headers.areComplete(packets) else { return }
            guard packet.isEmpty, !page.flags.contains(.last) else { throw .corrupt("its sound begins in its headers") }
            try writeHeaders(to: &copy)
        }
    }

    private mutating func collect(_ page: OggPage, _ source: SourceBytes) throws(CleaningError) {
        if headerPages == 0 { firstNumber = page.number }
        headerPages += 1
        var rest = try page.content(source)
        heldBytes += rest.count
        if headerPages > 1 << 16 { throw .excessive("more than 65,536 pages of comments") }
        guard page.flags.contains(.continued) == isInPacket else { throw .corrupt("a packet in it is not whole") }
        for size in page.lacing {
            guard !headers.areComplete(packets) else { throw .corrupt("its sound begins in its headers") }
            packet += rest.prefix(Int(size))
            rest = rest.dropFirst(Int(size))
            isInPacket = size == 255
            if !isInPacket {
                packets.append(packet)
                packet = []
                if packets.count > Self.packetLimit { throw .excessive("more than 1,000 packets before its sound") }
            }
        }
    }

    /// Whether the last page ended within a packet.
    private var isInPacket = false

    /// Writes the headers on as many pages as they had, where they are long enough: then no page behind them changes.
    private mutating func writeHeaders(to copy: inout CleanCopy) throws(CleaningError) {
        let cleaned = try headers.cleaned(packets)
        keptBytes = cleaned.reduce(0) { $0 + $1.count }
        guard keptBytes <= Self.keptLimit else {
            throw .excessive("a codec described by more than 1 MiB")
        }
        let lacing = cleaned.flatMap { [UInt8](repeating: 255, count: $0.count / 255) + [UInt8($0.count % 255)] }
        var content = cleaned.flatMap { $0 }[...]
        let pages = max((lacing.count + 254) / 255, min(Int(headerPages), lacing.count))
        var isInPacket = false
        for page in 0..<pages {
            let part = Array(lacing[lacing.count * page / pages..<lacing.count * (page + 1) / pages])
            let count = part.reduce(0) { $0 + Int($1) }
            copy.append(
                OggPage.bytes(
                    isInPacket ? .continued : [], granule: part.allSatisfy { $0 == 255 } ? -1 : 0, stream: stream,
                    number: firstNumber &+ UInt32(page), lacing: part, content: content.prefix(count)))
            content = content.dropFirst(count)
            isInPacket = part.last == 255
        }
        shift = UInt32(pages) &- headerPages
        packets = []
        heldBytes = 0
        hasSound = true
    }
}
