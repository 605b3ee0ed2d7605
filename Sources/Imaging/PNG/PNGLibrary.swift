import CPNG
import Cleaning
import Files

/// The rows of a PNG; of an animated one, those of its default image.
///
/// The interface to CPNG. It owns its C object from `init` to `deinit`; buffer sizes are checked here, since C cannot.
/// Only what `Cleaning` has copied is to be read: its chunks' checks are verified there.
final class PNGSource: PixelSource {
    /// The C object, so that every way out of `init` destroys it.
    @safe private struct PNGHandle: ~Copyable {
        let pointer: OpaquePointer
        private let path: String

        init(_ created: OpaquePointer?, path: String) throws(ImagingError) {
            guard let created = unsafe created else { throw .outOfMemory(limitBytes: ImagingLimits.memoryBytes) }
            unsafe pointer = created
            self.path = path
        }

        deinit { unsafe cpng_decoder_destroy(pointer) }

        /// Throws if a call failed.
        func check(_ outcome: cpng_outcome) throws(ImagingError) {
            if outcome == .fine { return }
            var failure = cpng_failure()
            unsafe cpng_decoder_failure(pointer, &failure)
            throw ImagingError(failure, path: path)
        }
    }

    let header: PixelHeader
    private let decoder: PNGHandle
    /// The file of the decoder.
    private let file: OpenFile

    /// Reads `file` from its first byte, without moving its position.
    init(_ file: borrowing OpenFile, _ traits: PictureTraits) throws(ImagingError) {
        do { self.file = try file.duplicate() } catch { throw .file(error) }
        let limits = cpng_limits(
            pixels: UInt64(ImagingLimits.pixels), edge: UInt32(StillLimits.longestEdge),
            memory_bytes: UInt64(ImagingLimits.memoryBytes))
        let decoder = try unsafe PNGHandle(cpng_decoder_create(self.file.descriptor, limits), path: file.path)
        var raw = cpng_header()
        try decoder.check(unsafe cpng_decoder_read_header(decoder.pointer, &raw))
        header = PixelHeader(
            size: PixelSize(width: Int(raw.width), height: Int(raw.height)), components: Int(raw.components),
            orientation: traits.orientation, profile: traits.profile, hasFullChroma: true)
        self.decoder = decoder
    }

    func readRow(into row: inout [UInt8]) throws(ImagingError) {
        precondition(row.count == header.rowCount, "a row has as many samples as the picture is wide")
        // Safe: the row is as long as C takes it to be.
        try decoder.check(unsafe cpng_decoder_read_row(decoder.pointer, &row))
    }

    func finish() throws(ImagingError) { try decoder.check(unsafe cpng_decoder_finish(decoder.pointer)) }
}

extension ImagingError {
    fileprivate init(_ failure: cpng_failure, path: String) {
        var failure = failure
        // Safe: C leaves the last byte of the message zero.
        let message = unsafe withUnsafeBytes(of: &failure.message) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        switch failure.outcome {
        case .not_png: self = .corrupt("it does not start like a PNG")
        case .truncated: self = .truncated
        case .unsupported: self = .unsupported(message)
        case .too_many_pixels: self = .tooManyPixels(limit: ImagingLimits.pixels)
        case .out_of_memory: self = .outOfMemory(limitBytes: ImagingLimits.memoryBytes)
        case .read_failed: self = .file(FileError(operation: "pread", path: path, code: failure.system_error))
        default: self = .corrupt(message)
        }
    }
}
