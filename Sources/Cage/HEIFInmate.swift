import CHEIF
import Files

/// Decodes HEIC, HEIF and AVIF with libheif, inside the cage.
@safe struct HEIFInmate: ~Copyable, CageInmate {
    private let picture: OpaquePointer

    init() throws(CageFailure) {
        guard heif_picture_load() else { throw CageFailure(.noLibrary, text: "libheif (Debian: libheif1)") }
        guard let created = unsafe heif_picture_create() else { throw CageFailure(.outOfMemory) }
        unsafe picture = created
    }

    deinit { unsafe heif_picture_destroy(picture) }

    mutating func work(_ input: borrowing OpenFile, _ output: borrowing CageOutput) throws(CageFailure) {
        let header = try decode(input)
        // Safe: the profile is as long as was counted, and lives as long as the picture.
        let profile = unsafe [UInt8](
            UnsafeBufferPointer(start: heif_picture_profile(picture), count: header.profile_count))
        let width = Int(header.width)
        output.begin(
            CageHeader(
                width: width, height: Int(header.height), components: Int(header.components),
                primaries: UInt16(clamping: header.primaries), transfer: UInt16(clamping: header.transfer),
                profile: profile))
        var buffer = [UInt8](repeating: 0, count: width * Int(header.components))
        let rowCount = buffer.count
        for index in 0..<header.height {
            // Safe: a row has as many bytes as the header says, in the picture or in the buffer, and both outlive it.
            unsafe buffer.withUnsafeMutableBufferPointer { room in
                guard let start = room.baseAddress else { return }
                let row = unsafe heif_picture_row(picture, index, start)
                unsafe output.write(UnsafeRawBufferPointer(start: row, count: rowCount).bytes)
            }
        }
    }

    private func decode(_ input: borrowing OpenFile) throws(CageFailure) -> heif_picture_header {
        var header = heif_picture_header()
        var message = [CChar](repeating: 0, count: 200)
        // Safe: C writes one header, and a sentence of at most 200 bytes with its end.
        let outcome = unsafe heif_picture_decode(picture, input.descriptor, &header, &message)
        let sentence = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch outcome {
        case .fine: return header
        case .damaged: throw CageFailure(.damaged, text: sentence)
        case .unsupported: throw CageFailure(.unsupported, text: sentence)
        case .out_of_memory: throw CageFailure(.outOfMemory)
        @unknown default: throw CageFailure(.damaged, text: sentence)
        }
    }
}
