/// What samples of a fragment have where it does not say so (`trex`, ISO/IEC 14496-12, 8.8.3).
struct FragmentDefaults: Hashable {
    var description = 1
    var duration: UInt32 = 0
    var size: UInt32 = 0
    var flags: UInt32 = 0
}

/// The box `mvex` (8.8.1): `mehd`, and `trex` of kept tracks.
struct MovieExtends {
    let node: MovieNode
    private(set) var defaults: [UInt32: FragmentDefaults] = [:]

    init(_ box: Box, kept: Set<UInt32>, _ reader: BoxReader) throws(CleaningError) {
        var nodes: [MovieNode] = []
        for child in try reader.children(of: box) {
            guard child.type == "mehd" || child.type == "trex" else { continue }
            let header = try reader.full(child)
            let bytes = try reader.bytes(header.body)
            let count = child.type == "trex" ? 20 : header.version == 1 ? 8 : 4
            guard bytes.count >= count else { throw .corrupt("the box “\(child.type)” is too short") }
            if child.type == "trex" {
                let track = UInt32(BigEndian.number(bytes, at: 0, 4))
                guard kept.contains(track) else { continue }
                guard defaults[track] == nil else { throw .corrupt("a track has two boxes “trex”") }
                let numbers = (1...4).map { UInt32(BigEndian.number(bytes, at: 4 * $0, 4)) }
                defaults[track] = FragmentDefaults(
                    description: Int(numbers[0]), duration: numbers[1], size: numbers[2], flags: numbers[3])
            }
            nodes.append(.bytes(.fullBox(child.type, version: header.version, Array(bytes.prefix(count)))))
        }
        node = .container("mvex", nodes)
    }
}
