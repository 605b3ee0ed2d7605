package import Cage
package import Cleaning

/// A picture that a process in the cage decodes, as a source of rows.
package struct CagedPicture: ~Copyable, PixelSource {
    package let header: PixelHeader
    private var rows: CagedRows

    /// `orientation` is still to be applied. Throws for colours that no JPEG can tell, unless `anyColours` will do, as
    /// for a preview.
    package init(
        _ rows: consuming CagedRows, orientation: Orientation = .upright, hasFullChroma: Bool = false,
        anyColours: Bool = false
    ) throws(ImagingError) {
        header = PixelHeader(
            size: PixelSize(width: rows.header.width, height: rows.header.height), components: rows.header.components,
            orientation: orientation, profile: try Self.profile(rows.header, anyColours: anyColours),
            hasFullChroma: hasFullChroma)
        self.rows = rows
    }

    package mutating func readRow(into row: inout [UInt8]) throws(ImagingError) {
        do throws(CageError) { try rows.readRow(into: &row) } catch { throw ImagingError(error) }
    }

    package mutating func finish() throws(ImagingError) {
        do throws(CageError) { try rows.finish() } catch { throw ImagingError(error) }
    }

    private static func profile(_ header: CageHeader, anyColours: Bool) throws(ImagingError) -> [UInt8] {
        if !header.profile.isEmpty {
            guard case .rebuilt(let bytes) = CleanProfile(header.profile[...], of: .rgb).replacement else { return [] }
            return bytes
        }
        switch CodePointProfile(primaries: header.primaries, transfer: header.transfer) {
        case .none: return []
        case .profile(let bytes): return bytes
        case .impossible where anyColours: return []
        case .impossible: throw .unsupported("a JPEG cannot hold its colours")
        }
    }
}

extension ImagingError {
    package init(_ error: CageError) {
        if case .file(let error) = error { self = .file(error) } else { self = .unsupported(error.description) }
    }
}
