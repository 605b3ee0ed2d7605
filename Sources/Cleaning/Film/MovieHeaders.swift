/// The fixed boxes of a film, rebuilt from the fields that it needs to play (ISO/IEC 14496-12, 8.2 to 8.4).
enum MovieHeaders {
    /// The movie header, 8.2.2: times become 0, as do reserved and predefined fields (QuickTime's preview and
    /// selection).
    struct MovieHeader {
        let version: UInt8
        let timescale: UInt32
        var duration: UInt64
        private let rateAndVolume: [UInt8]
        private let matrix: [UInt8]
        private let nextTrack: [UInt8]

        init(_ bytes: [UInt8], version: UInt8, removed: inout Set<RemovedMetadata>) throws(CleaningError) {
            var fields = FieldReader(bytes, of: "mvhd")
            self.version = version
            try MovieHeaders.dropTimes(&fields, version: version, removed: &removed)
            timescale = UInt32(try fields.number(4))
            duration = try fields.number(version == 1 ? 8 : 4)
            rateAndVolume = try fields.bytes(6)
            try fields.skip(10)
            matrix = try fields.bytes(36)
            try fields.skip(24)
            nextTrack = try fields.bytes(4)
            guard timescale > 0 else { throw .corrupt("its time scale is 0") }
        }

        var hasDuration: Bool { duration != (version == 1 ? UInt64.max : UInt64(UInt32.max)) }

        var box: [UInt8] {
            .fullBox(
                "mvhd", version: version,
                MovieHeaders.noTimes(version) + BigEndian.bytes(timescale)
                    + MovieHeaders.number(duration, version: version) + rateAndVolume + [UInt8](repeating: 0, count: 10)
                    + matrix + [UInt8](repeating: 0, count: 24) + nextTrack)
        }
    }

    /// The track header, 8.3.2.
    struct TrackHeader {
        let id: UInt32
        let isEnabled: Bool
        let duration: UInt64
        let hasDuration: Bool
        let matrix: [Int32]
        /// 16.16.
        let width: UInt32
        let height: UInt32
        let box: [UInt8]

        init(_ bytes: [UInt8], _ header: FullBox, removed: inout Set<RemovedMetadata>) throws(CleaningError) {
            let version = header.version
            var fields = FieldReader(bytes, of: "tkhd")
            try MovieHeaders.dropTimes(&fields, version: version, removed: &removed)
            id = UInt32(try fields.number(4))
            try fields.skip(4)
            duration = try fields.number(version == 1 ? 8 : 4)
            hasDuration = duration != (version == 1 ? UInt64.max : UInt64(UInt32.max))
            try fields.skip(8)
            let layerGroupVolume = try fields.bytes(6)
            try fields.skip(2)
            let matrixBytes = try fields.bytes(36)
            width = UInt32(try fields.number(4))
            height = UInt32(try fields.number(4))
            guard id != 0 else { throw .corrupt("a track has the number 0") }
            matrix = (0..<9).map { Int32(truncatingIfNeeded: BigEndian.number(matrixBytes, at: 4 * $0, 4)) }
            isEnabled = header.flags & 1 != 0
            box = .fullBox(
                "tkhd", version: version, flags: header.flags & 0xF,
                MovieHeaders.noTimes(version) + BigEndian.bytes(id) + [0, 0, 0, 0]
                    + MovieHeaders.number(duration, version: version) + [UInt8](repeating: 0, count: 8)
                    + layerGroupVolume + [0, 0] + matrixBytes + BigEndian.bytes(width) + BigEndian.bytes(height))
        }

        /// Pixels across and down when the matrix has turned them; nil where the header has none.
        var displayedSize: (width: Int, height: Int)? {
            let across = Double(width) / 65536
            let down = Double(height) / 65536
            let (a, b, c, d) = (scale(0), scale(1), scale(3), scale(4))
            let size = (
                width: (abs(a) * across + abs(c) * down).rounded(), height: (abs(b) * across + abs(d) * down).rounded()
            )
            guard (1...65535).contains(size.width), (1...65535).contains(size.height) else { return nil }
            return (Int(size.width), Int(size.height))
        }

        private func scale(_ index: Int) -> Double { Double(matrix[index]) / 65536 }
    }

    /// The media header, 8.4.2: the language stays.
    struct MediaHeader {
        let timescale: UInt32
        let duration: UInt64
        let hasDuration: Bool
        let box: [UInt8]

        init(_ bytes: [UInt8], _ header: FullBox, removed: inout Set<RemovedMetadata>) throws(CleaningError) {
            let version = header.version
            var fields = FieldReader(bytes, of: "mdhd")
            try MovieHeaders.dropTimes(&fields, version: version, removed: &removed)
            timescale = UInt32(try fields.number(4))
            duration = try fields.number(version == 1 ? 8 : 4)
            hasDuration = duration != (version == 1 ? UInt64.max : UInt64(UInt32.max))
            let language = try fields.bytes(2)
            guard timescale > 0 else { throw .corrupt("a track's time scale is 0") }
            box = .fullBox(
                "mdhd", version: version,
                MovieHeaders.noTimes(version) + BigEndian.bytes(timescale)
                    + MovieHeaders.number(duration, version: version) + language + [0, 0])
        }
    }

    /// The handler, 8.4.3, without maker, flags and name; QuickTime's component type (`mhlr`, `dhlr`) stays. The one
    /// zero byte is an empty name in both writings.
    static func handler(_ bytes: [UInt8], removed: inout Set<RemovedMetadata>) throws(CleaningError) -> [UInt8] {
        var fields = FieldReader(bytes, of: "hdlr")
        let component = try fields.bytes(4)
        let type = try fields.bytes(4)
        if (try fields.bytes(12) + fields.rest).contains(where: { $0 != 0 }) { removed.insert(.encoder) }
        let isQuickTime = component == BoxType("mhlr").bytes || component == BoxType("dhlr").bytes
        return .fullBox(
            "hdlr", (isQuickTime ? component : [0, 0, 0, 0]) + type + [UInt8](repeating: 0, count: 13))
    }

    private static func dropTimes(
        _ fields: inout FieldReader, version: UInt8, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        guard version <= 1 else { throw .unsupported("a header of version \(version)") }
        if try fields.bytes(version == 1 ? 16 : 8).contains(where: { $0 != 0 }) { removed.insert(.time) }
    }

    private static func noTimes(_ version: UInt8) -> [UInt8] { [UInt8](repeating: 0, count: version == 1 ? 16 : 8) }

    private static func number(_ number: UInt64, version: UInt8) -> [UInt8] {
        version == 1 ? BigEndian.bytes(number) : BigEndian.bytes(UInt32(truncatingIfNeeded: number))
    }
}
