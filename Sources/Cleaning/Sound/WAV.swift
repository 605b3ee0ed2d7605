/// Cleans WAVE in RIFF (Microsoft, "Multimedia Programming Interface and Data Specifications 1.0"), RF64 (EBU Tech 3306)
/// and BW64 (ITU-R BS.2088).
///
/// | chunk | what becomes of it |
/// |-------|--------------------|
/// | `fmt ` | kept, without what its format does not define |
/// | `fact` | kept: the samples of compressed sound |
/// | `data` | kept bit for bit |
/// | `ds64` | written anew, in RF64 and BW64 |
/// | `LIST`, `bext`, `iXML`, `id3 `, `cart`, `axml`, `_PMX`, `cue `, `PEAK` and all others | dropped |
///
/// All sizes are written anew. Sound whose size is not told (0, or 0xFFFFFFFF without `ds64`) is not understood: nobody
/// knows where it ends and what follows it. So is a file in which much belongs to no chunk: it may be sound.
package enum WAV {
    private static let chunkLimit = 10_000
    /// Bytes behind the sound that belong to no chunk.
    private static let restLimit: Int64 = 64 << 10

    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        let start = FirstBytes(try source.bytes(Int(min(12, source.count)), at: 0))
        let form = start.letters(at: 0) ?? ""
        guard start.letters(at: 8) == "WAVE" else { throw .corrupt("it does not begin like WAVE") }
        if form == "RIFX" { throw .unsupported("WAVE with the highest byte first") }
        guard ["RIFF", "RF64", "BW64"].contains(form) else { throw .corrupt("it does not begin like WAVE") }
        var chunks = Chunks(source, isLarge: form != "RIFF")
        try chunks.read()
        return try chunks.written(form)
    }

    /// The chunks that are kept.
    private struct Chunks {
        private let source: SourceBytes
        private let isLarge: Bool
        private var sizes: SizeTable?
        private var format: WAVFormat?
        private var fact: [UInt8]?
        private var data: Range<Int64>?
        private var removed: Set<RemovedMetadata> = []

        init(_ source: SourceBytes, isLarge: Bool) {
            self.source = source
            self.isLarge = isLarge
        }

        mutating func read() throws(CleaningError) {
            var offset: Int64 = 12
            var count = 0
            while source.count - offset >= 8 {
                count += 1
                if count > chunkLimit { throw .excessive("more than \(chunkLimit) chunks") }
                let name = String(decoding: try source.bytes(4, at: offset), as: UTF8.self)
                let size = try size(of: name, UInt32(try source.littleEndian(4, at: offset + 4)))
                let start = offset + 8
                guard size <= source.count - start else {
                    // Behind the sound nothing is kept that would have to be whole.
                    guard data != nil else { throw .truncated }
                    break
                }
                try take(name, start..<start + size)
                offset = start + size
                if size % 2 == 1, offset < source.count { offset += 1 }
            }
            if source.count - offset > restLimit { throw .corrupt("more than 64 KiB in it belong to no chunk") }
            if offset < source.count { removed.insert(.trailing) }
        }

        private mutating func size(of name: String, _ size: UInt32) throws(CleaningError) -> Int64 {
            guard size == .max else { return Int64(size) }
            guard let sizes else { throw .unsupported("sound whose length it does not tell") }
            guard let long = name == "data" ? sizes.data : sizes.others[name] else {
                throw .corrupt("it does not tell the size of one of its chunks")
            }
            return long
        }

        private mutating func take(_ name: String, _ range: Range<Int64>) throws(CleaningError) {
            switch name {
            case "ds64":
                guard isLarge, sizes == nil, format == nil, data == nil else {
                    throw .corrupt("its ds64 chunk has no place")
                }
                sizes = try SizeTable(source, range)
            case "fmt ":
                guard format == nil, data == nil else { throw .corrupt("its format chunk has no place") }
                guard range.count <= 1024 else { throw .excessive("a format of more than 1,024 bytes") }
                let bytes = Array(try source.bytes(range.count, at: range.lowerBound))
                let format = try WAVFormat(bytes)
                if format.bytes.count < bytes.count { removed.insert(.other) }
                self.format = format
            case "fact":
                guard fact == nil, range.count >= 4 else { throw .corrupt("its fact chunk has no place") }
                if range.count > 4 { removed.insert(.other) }
                fact = Array(try source.bytes(4, at: range.lowerBound))
            case "data":
                guard format != nil, data == nil else { throw .corrupt("its sound has no format, or is there twice") }
                guard !range.isEmpty else { throw .unsupported("sound whose length it does not tell") }
                data = range
            default: removed.formUnion(try WAVMetadata.words(in: source, name, range))
            }
        }

        func written(_ form: String) throws(CleaningError) -> CleanedFile {
            guard let format, let data else { throw .corrupt("no sound is in it") }
            if isLarge, sizes == nil { throw .corrupt("it has no ds64 chunk") }
            var body = Array("WAVE".utf8)
            var samples: UInt64 = 0
            if let sizes { samples = sizes.samples }
            let factBytes = fact.map { chunk("fact", $0) } ?? []
            let formatBytes = chunk("fmt ", format.bytes)
            let total =
                Int64(body.count + (isLarge ? 36 : 0) + formatBytes.count + factBytes.count + 8)
                + Int64(data.count) + Int64(data.count % 2)
            guard isLarge || total < UInt32.max else { throw .corrupt("it is longer than its size can tell") }
            if isLarge {
                let table = number(UInt64(total), 8) + number(UInt64(data.count), 8) + number(samples, 8) + number(0, 4)
                body += chunk("ds64", table)
            }
            body += formatBytes + factBytes + Array("data".utf8)
            body += number(isLarge ? UInt64(UInt32.max) : UInt64(data.count), 4)
            var file = CleanedFile()
            file.copy.append(Array(form.utf8) + number(isLarge ? UInt64(UInt32.max) : UInt64(total), 4) + body)
            file.copy.append(original: data)
            file.copy.append(zeros: Int64(data.count % 2))
            file.removed = removed
            let compressed = fact.map { $0.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) } } ?? 0
            file.seconds = format.seconds(Int64(data.count), samples: compressed)
            return file
        }

        private func chunk(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
            Array(name.utf8) + number(UInt64(bytes.count), 4) + bytes + [UInt8](repeating: 0, count: bytes.count % 2)
        }

        private func number(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        }
    }

    /// The chunk `ds64`: sizes of 64 bits (EBU Tech 3306, section 3.2).
    ///
    /// | bytes | content, the lowest byte first |
    /// |-------|--------|
    /// | 8, 8, 8 | size of the file less 8, of the sound, samples |
    /// | 4     | entries of the table that follows |
    /// | 12 each | a chunk's name and size |
    private struct SizeTable {
        private static let entryLimit = 64
        let data: Int64
        let samples: UInt64
        var others: [String: Int64] = [:]

        init(_ source: SourceBytes, _ range: Range<Int64>) throws(CleaningError) {
            guard range.count >= 28 else { throw .corrupt("its ds64 chunk is too short") }
            let start = range.lowerBound
            let entries = try source.littleEndian(4, at: start + 24)
            guard let data = Int64(exactly: try source.littleEndian(8, at: start + 8)), entries <= Self.entryLimit,
                Int(entries) * 12 <= range.count - 28
            else { throw .corrupt("its ds64 chunk tells sizes that cannot be") }
            self.data = data
            samples = try source.littleEndian(8, at: start + 16)
            for index in 0..<Int64(entries) {
                let name = String(decoding: try source.bytes(4, at: start + 28 + index * 12), as: UTF8.self)
                guard let size = Int64(exactly: try source.littleEndian(8, at: start + 32 + index * 12)) else {
                    throw .corrupt("its ds64 chunk tells sizes that cannot be")
                }
                others[name] = size
            }
        }
    }
}
