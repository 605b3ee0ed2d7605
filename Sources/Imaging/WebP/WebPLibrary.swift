import CWebP
import Cleaning
import Files

/// libwebp, which is loaded when it is first asked for.
enum WebPLibrary {
    static let isAtHand = cwebp_load()
    static let canTakeAnimationsApart = isAtHand && cwebp_load_demux()

    /// Throws if a call failed.
    fileprivate static func check(_ outcome: cwebp_outcome) throws(ImagingError) {
        switch outcome {
        case .fine: return
        case .truncated: throw .truncated
        case .unsupported: throw .unsupported("it has something that libwebp does not know")
        case .out_of_memory: throw .outOfMemory(limitBytes: ImagingLimits.memoryBytes)
        case .full: throw .full
        default: throw .corrupt("its data cannot be decoded")
        }
    }
}

/// The rows of a WebP, or of the first frame of an animated one, decoded as a whole when the first is read.
final class WebPSource: PixelSource {
    let header: PixelHeader
    /// The file, until it is decoded.
    private var bytes: [UInt8]
    private let data: Range<Int>
    private var pixels: [UInt8] = []
    private let components: Int
    /// Where the pixels lie on the canvas.
    private let place: (x: Int, y: Int, size: PixelSize)
    private var nextRow = 0

    /// Reads `file` from its first byte, without moving its position. The decoder itself scales a still picture without
    /// alpha down to `longEdge`, which costs less time and memory than to do it afterwards.
    init(_ file: borrowing OpenFile, _ traits: PictureTraits, longEdge: Int) throws(ImagingError) {
        guard WebPLibrary.isAtHand else { throw .unsupported("libwebp is not installed (Debian: libwebp7)") }
        bytes = try file.wholeContents()
        let features = try Self.features(of: bytes[...])
        let canvas = PixelSize(width: Int(features.width), height: Int(features.height))
        if features.is_animated {
            let frame = try Self.firstFrame(of: bytes, on: canvas)
            (data, place) = (frame.data, frame.place)
            components = try Self.features(of: bytes[data]).has_alpha ? 4 : 3
        } else {
            data = bytes.indices
            components = features.has_alpha ? 4 : 3
            place = (0, 0, features.has_alpha ? canvas : canvas.fitting(longEdge: longEdge))
        }
        // The canvas shows where the frame does not cover it: an animation always has alpha.
        header = PixelHeader(
            size: features.is_animated ? canvas : place.size, storedSize: canvas,
            components: features.is_animated ? 4 : components, orientation: traits.orientation,
            profile: traits.profile, hasFullChroma: features.is_lossless)
    }

    func readRow(into row: inout [UInt8]) throws(ImagingError) {
        precondition(row.count == header.rowCount, "a row has as many samples as the picture is wide")
        precondition(nextRow < header.size.height, "a picture has as many rows as it is high")
        if nextRow == 0 {
            pixels = try Self.decode(bytes[data], try Self.features(of: bytes[data]), as: place.size)
            bytes = []
        }
        let index = nextRow - place.y
        nextRow += 1
        if place.size != header.size { row = [UInt8](repeating: 0, count: row.count) }
        guard (0..<place.size.height).contains(index) else { return }
        let from = index * place.size.width
        let to = place.x * header.components
        if components == header.components {
            let count = place.size.width * components
            row.replaceSubrange(to..<to + count, with: pixels[from * components..<from * components + count])
        } else {
            for pixel in 0..<place.size.width {
                for colour in 0..<3 { row[to + 4 * pixel + colour] = pixels[3 * (from + pixel) + colour] }
                row[to + 4 * pixel + 3] = 255
            }
        }
    }

    func finish() {}

    // MARK: C

    private static func features(of bytes: ArraySlice<UInt8>) throws(ImagingError) -> cwebp_features {
        var features = cwebp_features()
        // Safe: C reads as many bytes as there are, and keeps none.
        let outcome = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe cwebp_read_features($0, buffer.count, &features) } ?? .truncated
        }
        try WebPLibrary.check(outcome)
        return features
    }

    private static func decode(
        _ bytes: ArraySlice<UInt8>, _ features: cwebp_features, as size: PixelSize
    ) throws(ImagingError) -> [UInt8] {
        let own = PixelSize(width: Int(features.width), height: Int(features.height))
        let components = features.has_alpha ? 4 : 3
        // An edge has at most 16,384 pixels here, or libwebp refuses: the products fit.
        let held = (features.is_lossless ? 4 * own.width * own.height : 0) + components * size.width * size.height
        guard own.width * own.height <= StillLimits.heldPixels else {
            throw .tooManyPixels(limit: StillLimits.heldPixels)
        }
        guard held <= ImagingLimits.memoryBytes else { throw .outOfMemory(limitBytes: ImagingLimits.memoryBytes) }
        var pixels = [UInt8](repeating: 0, count: size.width * size.height * components)
        // Safe: C reads as many bytes as there are, and the pixels are as many as it takes them to be.
        let outcome = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.map {
                unsafe cwebp_decode(
                    $0, buffer.count, features.has_alpha, UInt32(size.width), UInt32(size.height), size != own, &pixels)
            } ?? .truncated
        }
        try WebPLibrary.check(outcome)
        return pixels
    }

    private typealias Frame = (data: Range<Int>, place: (x: Int, y: Int, size: PixelSize))

    private static func firstFrame(of bytes: [UInt8], on canvas: PixelSize) throws(ImagingError) -> Frame {
        guard WebPLibrary.canTakeAnimationsApart else {
            throw .unsupported("libwebpdemux is not installed (Debian: libwebpdemux2)")
        }
        var frame = cwebp_frame()
        // Safe: C reads as many bytes as there are, and keeps none.
        let outcome = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe cwebp_first_frame($0, buffer.count, &frame) } ?? .truncated
        }
        try WebPLibrary.check(outcome)
        let size = PixelSize(width: Int(frame.width), height: Int(frame.height))
        let (x, y) = (Int(frame.x), Int(frame.y))
        guard x <= canvas.width - size.width, y <= canvas.height - size.height, frame.offset <= bytes.count,
            frame.count <= bytes.count - frame.offset
        else { throw .corrupt("its first frame is larger than its canvas") }
        return (frame.offset..<frame.offset + frame.count, (x, y, size))
    }
}

/// A picture that is encoded as WebP, once its rows are put; it may be tried in more than one form.
@safe struct WebPEncoder: ~Copyable {
    private let encoder: OpaquePointer
    private let size: PixelSize

    init(_ size: PixelSize) throws(ImagingError) {
        guard WebPLibrary.isAtHand, size.longEdge <= StillLimits.webPLongEdge else {
            throw .unsupported("WebP cannot hold it")
        }
        guard let created = unsafe cwebp_encoder_create(UInt32(size.width), UInt32(size.height)) else {
            throw .outOfMemory(limitBytes: ImagingLimits.memoryBytes)
        }
        unsafe encoder = created
        self.size = size
    }

    deinit { unsafe cwebp_encoder_destroy(encoder) }

    mutating func put(_ row: [UInt8], at index: Int) {
        precondition(
            row.count % size.width == 0 && (1...4).contains(row.count / size.width), "a row is as wide as that")
        precondition((0..<size.height).contains(index), "a picture has as many rows as it is high")
        // Safe: row and index are checked.
        unsafe cwebp_encoder_put(encoder, UInt32(index), row, Int32(row.count / size.width))
    }

    /// The picture without loss, but for colours that cannot be seen; throws `full` if it exceeds `limit` bytes.
    mutating func lossless(limit: Int) throws(ImagingError) -> [UInt8] {
        try WebPLibrary.check(unsafe cwebp_encoder_encode_lossless(encoder, 1, limit))
        return encoded
    }

    /// The picture at a quality of 0…100, alpha without loss; the last that can be had.
    consuming func lossy(quality: Int, limit: Int) throws(ImagingError) -> [UInt8] {
        try WebPLibrary.check(unsafe cwebp_encoder_encode_lossy(encoder, Int32(quality), limit))
        return encoded
    }

    private var encoded: [UInt8] {
        // Safe: the buffer lives as long as the encoder and holds as many bytes as were counted.
        guard let start = unsafe cwebp_encoder_bytes(encoder) else { return [] }
        return unsafe [UInt8](UnsafeBufferPointer(start: start, count: cwebp_encoder_count(encoder)))
    }
}
