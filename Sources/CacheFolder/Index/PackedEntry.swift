import Blobs

/// An entry as the index holds it: 64 bytes, one line of a processor's cache.
struct PackedEntry: Equatable, Sendable, BitwiseCopyable {
    /// The address, eight bytes a word, the first byte on top.
    var words: Words
    /// At least 0.
    var size: Int64
    /// Times are seconds since 1970.
    var sunset: UInt32
    var checked: UInt32
    var arrived: UInt32
    var lastRead: UInt32
    /// When it was marked; 0 unless `flags` says that it is.
    var marked: UInt32
    /// 65,535 stands for more, too.
    var reads: UInt16
    var flags: Flags

    struct Flags: OptionSet, Sendable, BitwiseCopyable {
        let rawValue: UInt16

        static let marked = Flags(rawValue: 1)
        static let unverified = Flags(rawValue: 2)
        static let all: Flags = [.marked, .unverified]
    }

    /// The 32 bytes of an address.
    struct Words: Equatable, Sendable, BitwiseCopyable {
        var first: UInt64
        var second: UInt64
        var third: UInt64
        var fourth: UInt64

        /// The first 48 bits.
        var prefix: UInt64 { first >> 16 }
    }

    var isMarked: Bool { flags.contains(.marked) }

    /// Whether it must not be served any more.
    func hasEnded(at now: UInt32) -> Bool { now >= sunset }
}

extension PackedEntry {
    init(_ entry: CacheEntry) {
        words = Words(entry.address)
        size = max(entry.size, 0)
        sunset = Self.seconds(entry.sunset)
        checked = Self.seconds(entry.checked)
        arrived = Self.seconds(entry.arrived)
        lastRead = Self.seconds(entry.lastRead)
        reads = UInt16(clamping: entry.reads)
        marked = entry.marked.map(Self.seconds) ?? 0
        flags = []
        if entry.isMarked { flags.insert(.marked) }
        if entry.isUnverified { flags.insert(.unverified) }
    }

    /// The entry, as it is outside the index.
    var entry: CacheEntry {
        var entry = CacheEntry(
            address: words.address, size: size, sunset: Self.time(sunset), arrived: Self.time(arrived),
            reads: Int(reads), isUnverified: flags.contains(.unverified))
        entry.checked = Self.time(checked)
        entry.lastRead = Self.time(lastRead)
        if isMarked { entry.marked = Self.time(marked) }
        return entry
    }

    /// The nearest time that fits.
    static func seconds(_ time: Timestamp) -> UInt32 { UInt32(clamping: time.seconds) }

    private static func time(_ seconds: UInt32) -> Timestamp { Timestamp(seconds: Int64(seconds)) }
}

extension PackedEntry.Words {
    init(_ address: BlobAddress) {
        func word(_ start: Int) -> UInt64 {
            var word: UInt64 = 0
            for index in start..<start + 8 { word = word << 8 | UInt64(address.byte(at: index)) }
            return word
        }
        self.init(first: word(0), second: word(8), third: word(16), fourth: word(24))
    }

    /// The address of these words.
    var address: BlobAddress {
        let bytes = [first, second, third, fourth].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
        }
        guard let address = BlobAddress(bytes: bytes) else { preconditionFailure("four words are an address") }
        return address
    }
}
