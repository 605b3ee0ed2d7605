/// What a stripped JPEG keeps of its file, in order: segments with their data, and of tables those that a scan uses
/// (ITU-T T.81, B.2.4.1 and B.2.4.2). A table stands until another takes its place.
struct CopiedParts: Sendable {
    enum CopiedPart: Sendable {
        case original(Range<Int64>)
        /// Marker and length of a segment that has lost tables.
        case made([UInt8])
    }

    /// Where a table is kept: of quantization 0…3, of codes with the class above.
    private struct TableSlot: Hashable {
        let marker: JPEGMarker
        let number: UInt8
    }

    private struct CopiedTable {
        let slot: TableSlot
        let range: Range<Int64>
        var isUsed = false
    }

    private struct CopiedSegment {
        let range: Range<Int64>
        /// Empty for what stays as it is.
        var tables: [CopiedTable] = []
        var marker = JPEGMarker.startOfScan
    }

    private var segments: [CopiedSegment] = []
    /// Where the table lies that each place has now.
    private var current: [TableSlot: (segment: Int, table: Int)] = [:]
    private var quantizations: [UInt8: UInt8] = [:]
    private var usesAllCodes = false
    private var hasScan = false

    /// Appends a segment, with the data that may follow it.
    mutating func append(_ range: Range<Int64>) {
        if let last = segments.last, last.tables.isEmpty, last.range.upperBound == range.lowerBound {
            segments[segments.count - 1] = CopiedSegment(range: last.range.lowerBound..<range.upperBound)
        } else {
            segments.append(CopiedSegment(range: range))
        }
    }

    /// Appends a segment of tables; one that cannot be read stays as it is.
    mutating func append(_ range: Range<Int64>, _ marker: JPEGMarker, _ payload: [UInt8]) {
        var tables: [CopiedTable] = []
        var offset = 0
        while offset < payload.count {
            guard let count = Self.bytesOfTable(marker, payload[offset...]) else { break }
            let start = range.upperBound - Int64(payload.count - offset)
            let slot = TableSlot(
                marker: marker, number: payload[offset] & (marker == .quantizationTables ? 0x0F : 0xFF))
            tables.append(CopiedTable(slot: slot, range: start..<start + Int64(count)))
            offset += count
        }
        guard !tables.isEmpty else { return append(range) }
        for (index, table) in tables.enumerated() { current[table.slot] = (segments.count, index) }
        segments.append(CopiedSegment(range: range, tables: tables, marker: marker))
    }

    /// A byte of kind and place, then 64 numbers of 8 or 16 bits; or 16 counts of codes, and their values.
    private static func bytesOfTable(_ marker: JPEGMarker, _ rest: ArraySlice<UInt8>) -> Int? {
        guard let first = rest.first, first & 0x0F < 4 else { return nil }
        let count: Int
        if marker == .quantizationTables {
            guard first >> 4 < 2 else { return nil }
            count = first >> 4 == 0 ? 65 : 129
        } else {
            guard first >> 4 < 2, rest.count >= 17 else { return nil }
            count = 17 + rest.dropFirst().prefix(16).reduce(0) { $0 + Int($1) }
        }
        return count <= rest.count ? count : nil
    }

    /// Reads a frame header: of each component identifier, factors and its quantization. Scans of rare processes may use
    /// any codes.
    mutating func readFrame(_ payload: [UInt8], isRare: Bool) {
        for index in stride(from: 6, to: payload.count - 2, by: 3) {
            quantizations[payload[index]] = payload[index + 2]
        }
        usesAllCodes = isRare
    }

    /// Reads a scan header: how many components, of each identifier and codes, then the first and the last coefficient.
    mutating func readScan(_ payload: [UInt8]) {
        let count = Int(payload.first ?? 0)
        guard payload.count >= 4 + 2 * count else { return useAll() }
        let (first, last) = (payload[1 + 2 * count], payload[2 + 2 * count])
        for index in 0..<count {
            let (component, codes) = (payload[1 + 2 * index], payload[2 + 2 * index])
            if let number = quantizations[component] { use(.quantizationTables, number & 0x0F) }
            if first == 0 || usesAllCodes { use(.huffmanTables, codes >> 4) }
            if last > 0 || usesAllCodes { use(.huffmanTables, 0x10 | codes & 0x0F) }
        }
        if !hasScan { for number in quantizations.values { use(.quantizationTables, number & 0x0F) } }
        hasScan = true
    }

    private mutating func use(_ marker: JPEGMarker, _ number: UInt8) {
        guard let (segment, table) = current[TableSlot(marker: marker, number: number)] else { return }
        segments[segment].tables[table].isUsed = true
    }

    private mutating func useAll() {
        for (segment, table) in current.values { segments[segment].tables[table].isUsed = true }
    }

    /// Something in a segment of tables is used by nothing.
    var hasUnused: Bool { segments.contains { !$0.tables.isEmpty && !Self.isUsed($0) } }

    /// Whether all of a segment is used.
    private static func isUsed(_ segment: CopiedSegment) -> Bool {
        let bytes = segment.tables.reduce(4) { $0 + $1.range.count }
        return segment.tables.allSatisfy(\.isUsed) && bytes == segment.range.count
    }

    /// The parts, in order.
    var parts: [CopiedPart] {
        var parts: [CopiedPart] = []
        for segment in segments {
            if segment.tables.isEmpty || Self.isUsed(segment) {
                parts.append(.original(segment.range))
                continue
            }
            let used = segment.tables.filter(\.isUsed)
            if used.isEmpty { continue }
            let length = UInt16(used.reduce(2) { $0 + $1.range.count })
            parts.append(.made([0xFF, segment.marker.code, UInt8(length >> 8), UInt8(length & 0xFF)]))
            for table in used { parts.append(.original(table.range)) }
        }
        return parts
    }
}
