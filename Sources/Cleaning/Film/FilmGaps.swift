/// Looks at what lies in `mdat` between samples, only to name it: dash cameras put positions there (`freeGPS `).
enum FilmGaps {
    private static let looks = 256
    private static let lookBytes: Int64 = 1024

    /// Names what lies in `data` beside `pieces`, in the first places where there is something.
    static func note(
        _ data: SortedRanges, _ pieces: SortedRanges, hasDroppedTracks: Bool, _ source: SourceBytes,
        removed: inout Set<RemovedMetadata>
    ) {
        var looked = 0
        for payload in data {
            var position = payload.lowerBound
            func look(upTo end: Int64) {
                guard end > position, looked < looks else { return }
                looked += 1
                removed.formUnion(words(position..<end, hasDroppedTracks: hasDroppedTracks, source))
            }
            for piece in pieces.overlapping(payload) where looked < looks {
                look(upTo: piece.lowerBound)
                position = piece.upperBound
            }
            look(upTo: payload.upperBound)
        }
    }

    private static func words(
        _ gap: Range<Int64>, hasDroppedTracks: Bool, _ source: SourceBytes
    ) -> Set<RemovedMetadata> {
        let count = Int(min(lookBytes, gap.upperBound - gap.lowerBound))
        guard let bytes = try? source.bytes(count, at: gap.lowerBound) else { return [] }
        if contains(bytes, "freeGPS") { return [.gps, .telemetry] }
        return hasDroppedTracks || !bytes.contains { $0 != 0 } ? [] : [.other]
    }

    private static func contains(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return bytes.indices.contains { bytes[$0...].starts(with: wanted) }
    }
}
