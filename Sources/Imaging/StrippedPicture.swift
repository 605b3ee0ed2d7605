import Cleaning
import Files

/// A copy of a picture: its coded data bit for bit, without metadata.
///
///     SOI
///     APP0  JFIF 1.01, no thumbnail      if it does not change how the colours are read
///     APP1  EXIF, Orientation alone      if it was 2…8
///     APP2  ICC profile, in chunks       if it is complete and fits
///     APP14 Adobe, transform             if it says what JFIF does not
///     DQT DHT DAC DRI SOF SOS and coded data, unchanged and in their order; tables that no scan uses go
///     EOI
struct StrippedPicture {
    private let prologue: [UInt8]
    private let parts: [CopiedParts.CopiedPart]

    init(_ structure: PictureStructure) {
        var bytes: [UInt8] = [0xFF, JPEGMarker.startOfImage.code]
        if Self.mayCarryJFIF(structure) { bytes += Self.segment(.application(0), Self.jfif) }
        if let orientation = structure.orientation, orientation != .upright {
            bytes += Self.segment(.application(1), ExifReader.label + ExifReader.minimal(orientation))
        }
        bytes += Self.profileSegments(structure.profile)
        if let transform = Self.adobeTransform(structure) {
            bytes += Self.segment(.application(14), Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, transform])
        }
        prologue = bytes
        parts = structure.copied.parts
    }

    /// The size of the copy in bytes.
    var size: Int64 {
        parts.reduce(Int64(prologue.count) + 2) { size, part in
            switch part {
            case .original(let range): size + Int64(range.count)
            case .made(let bytes): size + Int64(bytes.count)
            }
        }
    }

    /// Writes the copy from the first byte of `output` on; the positions of both files do not change.
    func write(from input: borrowing OpenFile, to output: borrowing OpenFile) throws(ImagingError) {
        try output.write(prologue.count, of: prologue, at: 0)
        var position = Int64(prologue.count)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        for part in parts {
            guard case .original(let range) = part else {
                if case .made(let bytes) = part {
                    try output.write(bytes.count, of: bytes, at: position)
                    position += Int64(bytes.count)
                }
                continue
            }
            var next = range.lowerBound
            while next < range.upperBound {
                let count = min(buffer.count, Int(range.upperBound - next))
                try Self.copy(count, from: input, at: next, to: output, at: position, through: &buffer)
                next += Int64(count)
                position += Int64(count)
            }
        }
        try output.write(2, of: [0xFF, JPEGMarker.endOfImage.code], at: position)
    }

    private static func copy(
        _ count: Int, from input: borrowing OpenFile, at source: Int64, to output: borrowing OpenFile,
        at target: Int64, through buffer: inout [UInt8]
    ) throws(ImagingError) {
        guard try input.read(count, into: &buffer, at: source) == count else {
            throw .file(FileError(operation: "pread", path: input.path, code: 5))  // EIO: the file was truncated
        }
        try output.write(count, of: buffer, at: target)
    }

    /// Decoders read a file with a JFIF segment as YCbCr or gray, whatever else it says: the segment may only be added
    /// to files that they read so without it.
    private static func mayCarryJFIF(_ structure: PictureStructure) -> Bool {
        switch structure.colourModel {
        case .gray, .ycc: true
        case .rgb, .cmyk, .ycck, .unknown: structure.hasJFIF
        }
    }

    /// With JFIF, Adobe's segment adds nothing, unless it contradicts JFIF: some decoders follow it.
    private static func adobeTransform(_ structure: PictureStructure) -> UInt8? {
        switch structure.colourModel {
        case .gray: nil
        case .ycc: structure.adobeTransform == 0 ? 0 : nil
        case .rgb, .cmyk, .ycck, .unknown: structure.adobeTransform
        }
    }

    /// Version 1.01, square pixels, no thumbnail (ITU-T T.871, 10.1).
    private static let jfif: [UInt8] = Array("JFIF".utf8) + [0, 1, 1, 0, 0, 1, 0, 1, 0, 0]

    private static func profileSegments(_ profile: [UInt8]) -> [UInt8] {
        let chunkCount = (profile.count + ColourProfile.chunkBytes - 1) / ColourProfile.chunkBytes
        var bytes: [UInt8] = []
        for index in 0..<chunkCount {
            let start = index * ColourProfile.chunkBytes
            let chunk = profile[start..<min(profile.count, start + ColourProfile.chunkBytes)]
            let numbers = [UInt8(index + 1), UInt8(chunkCount)]
            bytes += segment(.application(2), ColourProfile.label + numbers + chunk)
        }
        return bytes
    }

    private static func segment(_ marker: JPEGMarker, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt16(payload.count + 2)
        return [0xFF, marker.code, UInt8(length >> 8), UInt8(length & 0xFF)] + payload
    }
}
