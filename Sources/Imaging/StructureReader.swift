import Cleaning
import Files

/// Reads the markers of a JPEG from its first byte to its last, and records what is there.
///
/// Damage is counted, not judged: bytes outside any segment are passed over, and after the first scan whatever makes no
/// sense ends the picture. Only whole segments and the data of scans are ever recorded as worth copying.
struct StructureReader: ~Copyable {
    private var reader: ByteReader
    private var structure = PictureStructure()
    private var profile = ColourProfile()
    private var segmentCount = 0
    private var hasRestarts = false
    private var hasCodeTables = false

    /// The structure of the picture at the start of `file`.
    static func read(_ file: borrowing OpenFile) throws(ImagingError) -> PictureStructure {
        var reader = StructureReader(reader: try ByteReader(file))
        return try reader.read()
    }

    private init(reader: consuming ByteReader) { self.reader = reader }

    private mutating func read() throws(ImagingError) -> PictureStructure {
        guard try reader.next() == 0xFF, try reader.next() == JPEGMarker.startOfImage.code else {
            throw .notJPEG
        }
        while let marker = try nextMarker() {
            if marker == .endOfImage { return try finished(at: reader.position) }
            let start = reader.position - 2
            do throws(ImagingError) {
                try readSegment(marker)
            } catch {
                guard structure.scanCount > 0, error.isOfSegment else { throw error }
                structure.isDamaged = true
                return try finished(at: start)
            }
        }
        guard structure.frame != nil, structure.scanCount > 0 else { throw .truncated }
        structure.isDamaged = true
        return try finished(at: reader.position)
    }

    private mutating func finished(at end: Int64) throws(ImagingError) -> PictureStructure {
        guard let frame = structure.frame, structure.scanCount > 0 else {
            throw .corrupt("it has no \(structure.frame == nil ? "frame" : "scan")")
        }
        guard frame.size.width * frame.size.height <= ImagingLimits.pixels else {
            throw .tooManyPixels(limit: ImagingLimits.pixels)
        }
        structure.end = end
        if structure.copied.hasUnused { structure.removed.insert(.other) }
        try readTrailing()
        if let cleaned = profile.cleaned(for: structure.profileColours) {
            if case .rebuilt(let bytes) = cleaned.replacement { structure.profile = bytes }
            structure.removed.formUnion(cleaned.removed)
        } else if profile.isPresent {
            structure.removed.insert(.icc)
        }
        return structure
    }

    // MARK: Markers

    /// The next marker, after any number of fill bytes 0xFF (T.81, B.1.1.2); nil at the end of the file. Passes over
    /// what is no marker, as libjpeg does (`next_marker`).
    private mutating func nextMarker() throws(ImagingError) -> JPEGMarker? {
        while true {
            let start = reader.position
            let isFound = try reader.skipToMarker()
            if reader.position != start { structure.isDamaged = true }
            guard isFound else { return nil }
            var code = try reader.next()
            while code == 0xFF { code = try reader.next() }
            guard let code else { return nil }
            if code != 0 { return JPEGMarker(code: code) }
            structure.isDamaged = true
        }
    }

    private mutating func readSegment(_ marker: JPEGMarker) throws(ImagingError) {
        segmentCount += 1
        guard segmentCount <= ImagingLimits.segments else { throw .unsupported("it has too many segments") }
        if marker.isReserved || marker == .startOfImage {
            throw .corrupt("unexpected marker 0x\(String(marker.code, radix: 16))")
        }
        if marker.isAlone {
            // Restarts belong into coded data, which has been read by now.
            structure.isDamaged = true
            return
        }
        let start = reader.position - 2
        guard let length = try reader.nextUInt16() else { throw .truncated }
        if length < 2 {
            guard marker.isSkipped else { throw .corrupt("a segment has a wrong length") }
            structure.isDamaged = true
            return
        }
        guard let payload = try reader.next(Int(length) - 2) else { throw .truncated }
        if marker.isCopied {
            if marker.isFrame { try readFrame(marker, payload) }
            if marker == .restartInterval { hasRestarts = payload.contains { $0 != 0 } }
            if marker == .huffmanTables || marker == .arithmeticConditioning { hasCodeTables = true }
            if marker == .startOfScan {
                structure.copied.readScan(payload)
                try readScan()
            }
            if marker == .quantizationTables || marker == .huffmanTables {
                structure.copied.append(start..<reader.position, marker, payload)
            } else {
                structure.copied.append(start..<reader.position)
            }
        } else {
            note(marker, payload)
        }
    }

    /// T.81, B.2.2: precision, height, width, count, and three bytes for each component.
    private mutating func readFrame(_ marker: JPEGMarker, _ payload: [UInt8]) throws(ImagingError) {
        guard structure.frame == nil else { throw .corrupt("it has two frames") }
        guard payload.count >= 6, payload.count == 6 + 3 * Int(payload[5]) else {
            throw .corrupt("its frame header has the wrong length")
        }
        structure.copied.readFrame(payload, isRare: marker.isRareProcess)
        let height = Int(payload[1]) << 8 | Int(payload[2])
        let width = Int(payload[3]) << 8 | Int(payload[4])
        guard width > 0, payload[5] > 0 else { throw .corrupt("it has no pixels") }
        guard height > 0 else { throw .unsupported("its height is given only after its pixels") }
        structure.frame = PictureStructure.Frame(
            marker: marker, precision: Int(payload[0]), size: PixelSize(width: width, height: height),
            componentIdentifiers: stride(from: 6, to: payload.count, by: 3).map { payload[$0] })
    }

    /// Skips the entropy-coded data of a scan.
    private mutating func readScan() throws(ImagingError) {
        structure.scanCount += 1
        // A frame of a film in JPEG, of which not every decoder knows the tables.
        if !hasCodeTables, structure.frame?.marker.isArithmetic == false { structure.isDamaged = true }
        guard structure.scanCount <= ImagingLimits.scans else { throw .tooManyScans(limit: ImagingLimits.scans) }
        if try reader.skipEntropyData(hasRestarts: hasRestarts) { structure.isDamaged = true }
    }

    // MARK: What is not copied

    private mutating func note(_ marker: JPEGMarker, _ payload: [UInt8]) {
        let content = SegmentContent(marker, payload)
        structure.removed.formUnion(content.removed)
        // Decoders decide all this when the first scan starts.
        guard structure.scanCount == 0 else { return }
        if content.isJFIF { structure.hasJFIF = true }
        structure.adobeTransform = content.adobeTransform ?? structure.adobeTransform
        structure.orientation = structure.orientation ?? content.orientation
        if let chunk = content.profileChunk { profile.take(chunk) }
    }

    /// Records data after the picture: `trailing`, and `hdr` if it mentions a gain map near its start.
    private mutating func readTrailing() throws(ImagingError) {
        guard let first = try reader.next() else { return }
        structure.removed.insert(.trailing)
        var window = [first]
        for _ in 0..<ImagingLimits.trailingChunksRead {
            guard let some = try reader.nextSome(ImagingLimits.trailingChunkBytes) else { return }
            window += some
            if SegmentContent.mentionsGainMap(window) {
                structure.removed.insert(.hdr)
                return
            }
            window = window.suffix(64)
        }
    }
}

extension ImagingError {
    /// The segment that is being read makes no sense; the limits of a picture are not at stake.
    fileprivate var isOfSegment: Bool {
        switch self {
        case .corrupt, .truncated: true
        default: false
        }
    }
}
