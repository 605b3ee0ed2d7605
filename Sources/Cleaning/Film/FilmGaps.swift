/// Looks at what lies in `mdat` between samples, only to name it: dash cameras put positions there (`freeGPS `).
enum FilmGaps {
    private static let looks = 256
    private static let lookBytes: Int64 = 1024

    static func note(
        _ data: [Range<Int64>], _ pieces: [Range<Int64>], hasDroppedTracks: Bool, _ source: SourceBytes,
        removed: inout Set<RemovedMetadata>
    ) {
        var looked = 0
        var next = 0
        for payload in data {
            var position = payload.lowerBound
            while position < payload.upperBound, looked < looks {
                while next < pieces.count, pieces[next].upperBound <= position { next += 1 }
                let end = next < pieces.count ? min(pieces[next].lowerBound, payload.upperBound) : payload.upperBound
                if end > position {
                    looked += 1
                    removed.formUnion(words(position..<end, hasDroppedTracks: hasDroppedTracks, source))
                }
                position = next < pieces.count ? max(end, min(pieces[next].upperBound, payload.upperBound)) : end
            }
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
