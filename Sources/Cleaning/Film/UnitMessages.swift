/// How the units of a coded picture lie in a sample: each behind its length (ISO/IEC 14496-15, 5.3.2 and 8.3.2).
struct UnitForm: Hashable {
    let isHEVC: Bool
    let lengthBytes: Int

    /// From the payload of `avcC` or `hvcC`; nil for others.
    init?(_ type: BoxType, _ configuration: [UInt8]) {
        switch type {
        case "avcC" where configuration.count > 4: (isHEVC, lengthBytes) = (false, Int(configuration[4] & 3) + 1)
        case "hvcC" where configuration.count > 21: (isHEVC, lengthBytes) = (true, Int(configuration[21] & 3) + 1)
        default: return nil
        }
    }

    /// Whether a unit that begins with this byte holds messages (ITU-T H.264, table 7-1; H.265, table 7-1).
    func holdsMessages(_ first: UInt8) -> Bool { isHEVC ? Self.isHEVC(first) : first & 0x1F == 6 }

    /// Of units that hold messages, these are H.265's: H.264's have other numbers.
    static func isHEVC(_ first: UInt8) -> Bool { [39, 40].contains(first >> 1 & 0x3F) }
}

/// Finds messages inside coded pictures that tell more than a decoder needs, and writes others of the same length in their
/// place (SEI: ITU-T H.264, annex D; H.265, annex D).
struct UnitMessages {
    /// Units with such messages that one file may have: 16 MiB of memory.
    private static let limit = 1 << 20
    private static let unitLimitBytes: Int64 = 1 << 20
    /// Units of one picture.
    private static let unitLimit = 1 << 16

    private let source: SourceBytes
    private var bytesLeft: Int64
    private var found: [Range<Int64>] = []
    private(set) var removed: Set<RemovedMetadata> = []

    init(_ source: SourceBytes) {
        self.source = source
        // Two tracks may have the same samples.
        bytesLeft = source.count.multipliedReportingOverflow(by: 4).partialValue
    }

    /// Looks at the units of a sample, which lies in the file. What is not made of units has none.
    mutating func look(at sample: Range<Int64>, _ form: UnitForm) throws(CleaningError) {
        bytesLeft -= Int64(sample.count)
        guard bytesLeft >= 0 else { throw .unsupported("samples that lie within each other") }
        var offset = sample.lowerBound
        var units = 0
        while sample.upperBound - offset > Int64(form.lengthBytes) {
            let length = Int64(try source.bigEndian(form.lengthBytes, at: offset))
            let start = offset + Int64(form.lengthBytes)
            guard (1...sample.upperBound - start).contains(length) else { return }
            offset = start + length
            units += 1
            guard units <= Self.unitLimit else { throw .excessive("more than \(Self.unitLimit) units in a picture") }
            guard length > 2, form.holdsMessages(try source.byte(at: start)) else { continue }
            guard length <= Self.unitLimitBytes else {
                throw .excessive("a message of more than 1 MiB in its pictures")
            }
            guard let cleaned = try cleaned(start..<offset) else { continue }
            removed.formUnion(cleaned.removed)
            found.append(start..<offset)
            guard found.count <= Self.limit else {
                throw .excessive("more than \(Self.limit) messages in its pictures")
            }
        }
    }

    private func cleaned(_ unit: Range<Int64>) throws(CleaningError) -> CleanedUnit? {
        try CleanedUnit(Array(try source.bytes(unit.count, at: unit.lowerBound)))
    }

    /// The messages that were found since the last time, in the order in which they were found, and what takes their place.
    mutating func taken() throws(CleaningError) -> [(place: Range<Int64>, copy: CleanCopy)] {
        var all: [(place: Range<Int64>, copy: CleanCopy)] = []
        for unit in found { if let copy = try cleaned(unit)?.copy { all.append((unit, copy)) } }
        found = []
        return all
    }

    /// The copy without these messages.
    func replaced(in copy: CleanCopy) throws(CleaningError) -> CleanCopy {
        try copy.replacing(try ranges()) { unit throws(CleaningError) in
            guard let cleaned = try cleaned(unit) else {
                throw .unsupported("samples that lie within each other")
            }
            return cleaned.copy
        }
    }

    /// In the file's order; each once, and apart from each other.
    private func ranges() throws(CleaningError) -> [Range<Int64>] {
        var ranges: [Range<Int64>] = []
        for range in found.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            if range == ranges.last { continue }
            guard (ranges.last?.upperBound ?? 0) <= range.lowerBound else {
                throw .unsupported("samples that lie within each other")
            }
            ranges.append(range)
        }
        return ranges
    }
}

/// A unit of messages, of which those stay that a decoder may need; a message that says nothing fills it up.
///
///     1, 2  header
///     n     messages: type and size, each as bytes 0xFF and a last one, and the payload; 3 is a filler
///     1     0x80
struct CleanedUnit {
    /// Header and messages that stay.
    private let start: [UInt8]
    private let unitBytes: Int
    private(set) var removed: Set<RemovedMetadata> = []

    /// Nil where nothing has to go. A unit has at least three bytes.
    init?(_ unit: [UInt8]) throws(CleaningError) {
        let isHEVC = UnitForm.isHEVC(unit[0])
        let header = unit.prefix(isHEVC ? 2 : 1)
        var kept: [UInt8] = []
        var isTelling = false
        var rest = EscapedUnit.unescaped(unit.dropFirst(header.count))[...]
        if let end = rest.lastIndex(where: { $0 != 0 }), rest[end] == 0x80 { rest = rest[...end] }
        while !rest.isEmpty, rest != [0x80] {
            guard let message = UnitMessage(&rest) else {
                // What makes no sense, no decoder reads.
                isTelling = true
                removed.insert(.other)
                break
            }
            let cleaned = message.cleaned(isHEVC: isHEVC)
            if cleaned != message {
                isTelling = true
                removed.insert(message.word)
            }
            kept += cleaned?.bytes ?? []
        }
        if !isTelling { return nil }
        let isFull = header.count + EscapedUnit.escaped(kept).count + 1 == unit.count
        // The type of a filler is 3, which may not stand behind two zeros either.
        start = header + (isFull ? EscapedUnit.escaped(kept) : EscapedUnit.escaped(kept + [3]).dropLast())
        unitBytes = unit.count
        guard isFull || start.count + 3 <= unit.count else { throw .corrupt("messages in its pictures are damaged") }
    }

    /// The unit as it is written.
    var copy: CleanCopy {
        var copy = CleanCopy()
        copy.append(start)
        var room = unitBytes - start.count - 1
        while room > 0 {
            // A type, the size's bytes, and what they count; one length has no such form, and takes an empty one first.
            let sizeBytes = (1...8192).first { room - 1 - $0 >= 0 && (room - 1 - $0) / 255 + 1 == $0 }
            guard let sizeBytes else {
                copy.append([3, 0])
                room -= 2
                continue
            }
            let count = room - 1 - sizeBytes
            copy.append([3])
            copy.append(filler: Int64(sizeBytes - 1))
            copy.append([UInt8(count % 255)])
            copy.append(filler: Int64(count))
            break
        }
        copy.append([0x80])
        return copy
    }
}

/// One message inside coded pictures.
private struct UnitMessage: Equatable {
    let type: Int
    var payload: [UInt8]

    private init(type: Int, payload: [UInt8]) { (self.type, self.payload) = (type, payload) }

    /// Reads the message at the start; nil where there is none that is whole.
    init?(_ bytes: inout ArraySlice<UInt8>) {
        func number() -> Int? {
            var number = 0
            while let byte = bytes.popFirst() {
                number += Int(byte)
                if byte < 255 { return number }
            }
            return nil
        }
        guard let type = number(), let size = number(), size <= bytes.count else { return nil }
        self.init(type: type, payload: Array(bytes.prefix(size)))
        bytes = bytes.dropFirst(size)
    }

    var bytes: [UInt8] { Self.number(type) + Self.number(payload.count) + payload }

    private static func number(_ number: Int) -> [UInt8] {
        [UInt8](repeating: 255, count: number / 255) + [UInt8(number % 255)]
    }

    /// Types that decoders and displays use, in H.264 and H.265: timing, recovery, panning, dithering, grain, tone, frame
    /// packing, orientation, parameter sets, checks, mastering, light, alpha, projections. A time of day (136) is not one.
    private static let kept: Set<Int> = [
        0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 45, 47, 56, 128, 129, 130, 131,
        132,
        133, 134, 135, 137, 138, 140, 142, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 160,
        161,
        162, 163, 164, 165, 166, 167, 168, 176, 177, 178, 179, 180, 181, 200, 202, 203, 204, 205,
    ]

    /// The message as it stays; nil where it goes.
    func cleaned(isHEVC: Bool) -> UnitMessage? {
        switch type {
        case 3: payload.allSatisfy { $0 == 0xFF } ? self : nil
        case 4: isShown ? self : nil
        case 5: isHEVC ? nil : Self.x264(payload)
        default: Self.kept.contains(type) ? self : nil
        }
    }

    /// What the message told.
    var word: RemovedMetadata {
        switch type {
        case 136: .time
        case 5 where Self.texts.contains(where: { payload.dropFirst(16).starts(with: $0.utf8) }): .encoder
        default: .other
        }
    }

    private static let texts = ["x264", "x265", "Lav", "NVENC", "Zencoder"]

    /// Registered user data (ITU-T T.35) that is seen: captions and active format (ATSC, DirecTV), HDR10+, Dolby's and HDR
    /// Vivid's light.
    private var isShown: Bool {
        [
            [0xB5, 0x00, 0x31], [0xB5, 0x00, 0x2F], [0xB5, 0x00, 0x3C, 0x00, 0x01], [0xB5, 0x00, 0x3B],
            [0x26, 0x00, 0x04],
        ]
        .contains { payload.starts(with: $0 as [UInt8]) }
    }

    private static let x264Name: [UInt8] = [
        0xDC, 0x45, 0xE9, 0xBD, 0xE6, 0xD9, 0x48, 0xB7, 0x96, 0x2C, 0xD8, 0x20, 0xD9, 0x23, 0xEE, 0xEF,
    ]

    /// Of x264's text about itself, its number: decoders know old errors of it by that.
    private static func x264(_ payload: [UInt8]) -> UnitMessage? {
        let start = x264Name + Array("x264 - core ".utf8)
        guard payload.starts(with: start) else { return nil }
        let digits = payload.dropFirst(start.count).prefix(4).prefix { (0x30...0x39).contains($0) }
        let kept = start + digits + [0]
        // Where too little is left for a message of its own, nothing stays.
        guard !digits.isEmpty, kept.count == payload.count || kept.count + 4 <= payload.count else { return nil }
        return UnitMessage(type: 5, payload: kept)
    }
}
