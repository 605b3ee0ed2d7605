import COpenH264
import Files

/// What a key frame of H.264 is handed over as.
///
///     1 byte   the matrix of ITU-T H.273 (1 or 6), and 0x80 if samples have the full range
///     n bytes  parameter sets and slices, each behind 0 0 0 1 (ITU-T H.264, annex B), to the end
package enum AVCKeyFrame {
    package static let limitBytes = 32 << 20
    package static func bytes(matrix: UInt8, isFullRange: Bool, _ units: [UInt8]) -> [UInt8] {
        [matrix & 0x7F | (isFullRange ? 0x80 : 0)] + units
    }
}

/// Decodes one key frame with libopenh264, inside the cage.
@safe struct AVCInmate: ~Copyable, CageInmate {
    private let frame: OpaquePointer

    init() throws(CageFailure) {
        guard avc_frame_load() else { throw CageFailure(.noLibrary, text: "libopenh264 (Debian: libopenh264-7)") }
        guard let created = unsafe avc_frame_create() else { throw CageFailure(.outOfMemory) }
        unsafe frame = created
    }

    deinit { unsafe avc_frame_destroy(frame) }

    mutating func work(_ input: borrowing OpenFile, _ output: borrowing CageOutput) throws(CageFailure) {
        let bytes = try Self.read(input)
        var (width, height): (UInt32, UInt32) = (0, 0)
        // Safe: the bytes outlive the call, behind which the decoder needs them no more.
        let isDecoded = unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress, buffer.count > 1 else { return false }
            return unsafe avc_frame_decode(frame, start + 1, buffer.count - 1, &width, &height)
        }
        guard isDecoded else { throw CageFailure(.unsupported, text: "no frame comes of it") }
        output.begin(CageHeader(width: Int(width), height: Int(height), components: 3))
        var row = [UInt8](repeating: 0, count: Int(width) * 3)
        for index in 0..<height {
            // Safe: the row has three bytes for each pixel.
            unsafe avc_frame_row(frame, index, Int32(bytes[0] & 0x7F), bytes[0] & 0x80 != 0, &row)
            // Safe: every bit pattern is a byte.
            output.write(unsafe row.span.bytes)
        }
    }

    /// In pieces: how long the file is cannot be asked in here.
    private static func read(_ input: borrowing OpenFile) throws(CageFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        while bytes.count < AVCKeyFrame.limitBytes {
            let count: Int
            do throws(FileError) { count = try input.read(into: &piece, at: Int64(bytes.count)) } catch {
                throw CageFailure(.damaged, text: error.description)
            }
            bytes += piece[..<count]
            if count < piece.count { return bytes }
        }
        throw CageFailure(.unsupported, text: "a frame of more than 32 MiB")
    }
}
