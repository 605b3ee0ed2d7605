import CJPEG
import CRowScaler
import Files

// The interface to the C targets. Each type owns its C object from `init` to `deinit`; buffer sizes are checked here,
// since C cannot; no longjmp leaves C.

/// What a decoder is about to produce.
struct PictureHeader: Sendable {
    let size: PixelSize
    /// 1 gray, 3 RGB, 4 CMYK.
    let components: Int
    /// CMYK as Adobe stores it: 255 less the ink.
    let isInverted: Bool
    /// Chroma has as many samples as luma.
    let hasFullChroma: Bool
}

/// What a decoder found wrong with a picture.
struct PictureDamage: Sendable {
    /// Parts of the stored picture.
    enum Loss: Sendable {
        /// Every row from this one on.
        case rows(from: Int)
        case parts, details
    }

    /// What was noticed first, in libjpeg's words; nil for a sound picture.
    let notice: String?
    let loss: Loss?

    fileprivate init(_ raw: picture_damage) {
        notice = raw.noticed ? text(of: raw.message) : nil
        loss =
            switch raw.loss {
            case .none: nil
            case .lowest_rows: .rows(from: Int(raw.first_lost_row))
            case .parts: .parts
            case .details: .details
            }
    }
}

/// A decoder of one JPEG, row by row.
struct PictureDecoder: ~Copyable {
    /// The C object, so that every way out of `init` destroys it.
    @safe private struct Decoder: ~Copyable {
        let pointer: OpaquePointer
        private let path: String

        init(_ created: OpaquePointer?, path: String) throws(ImagingError) {
            guard let created = unsafe created else { throw .outOfMemory(limitBytes: ImagingLimits.memoryBytes) }
            unsafe pointer = created
            self.path = path
        }

        deinit { unsafe picture_decoder_destroy(pointer) }

        /// Throws if a call failed.
        func check(_ outcome: picture_outcome) throws(ImagingError) {
            if outcome == .fine { return }
            var failure = picture_failure()
            unsafe picture_decoder_failure(pointer, &failure)
            throw ImagingError(failure, path: path)
        }
    }

    private let decoder: Decoder
    let header: PictureHeader
    /// Samples in a row; zero before the start.
    private var rowCount = 0

    /// Reads `file` from its first byte up to `end`, without moving its position; it must stay open as long as the
    /// decoder lives. A slower, careful one notices each code that there is not; others may notice the consequences
    /// alone, such as data left over.
    init(_ file: borrowing OpenFile, end: Int64, isCareful: Bool = false) throws(ImagingError) {
        let created = unsafe picture_decoder_for_file(file.descriptor, end, Self.limits, isCareful)
        try unsafe self.init(created, path: file.path)
    }

    init(_ bytes: [UInt8]) throws(ImagingError) {
        if bytes.isEmpty { throw .notJPEG }
        // Safe: the decoder copies the bytes.
        let created = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.flatMap { start in
                unsafe picture_decoder_for_bytes(start, buffer.count, Self.limits)
            }
        }
        try unsafe self.init(created, path: "(memory)")
    }

    private init(_ created: OpaquePointer?, path: String) throws(ImagingError) {
        let decoder = try unsafe Decoder(created, path: path)
        var raw = picture_header()
        try decoder.check(unsafe picture_decoder_read_header(decoder.pointer, &raw))
        header = PictureHeader(
            size: PixelSize(width: Int(raw.width), height: Int(raw.height)), components: Int(raw.components),
            isInverted: raw.inverted, hasFullChroma: raw.full_chroma)
        self.decoder = decoder
    }

    private static var limits: picture_limits {
        picture_limits(
            pixels: UInt64(ImagingLimits.pixels), scans: Int32(ImagingLimits.scans),
            memory_bytes: UInt64(ImagingLimits.memoryBytes))
    }

    /// Starts decoding at `eighths`/8 of the size; returns the resulting size, each edge rounded up.
    mutating func start(eighths: Int) throws(ImagingError) -> PixelSize {
        var width: UInt32 = 0
        var height: UInt32 = 0
        try decoder.check(unsafe picture_decoder_start(decoder.pointer, Int32(eighths), &width, &height))
        rowCount = Int(width) * header.components
        return PixelSize(width: Int(width), height: Int(height))
    }

    /// Decodes the next row.
    mutating func readRow(into row: inout [UInt8]) throws(ImagingError) {
        precondition(rowCount > 0 && row.count == rowCount, "a row has as many samples as the picture is wide")
        // Safe: the row is as long as C takes it to be.
        try decoder.check(unsafe picture_decoder_read_row(decoder.pointer, &row))
    }

    /// Reads to the end of the picture; only then is its damage known.
    mutating func finish() throws(ImagingError) -> PictureDamage {
        try decoder.check(unsafe picture_decoder_finish(decoder.pointer))
        var damage = picture_damage()
        unsafe picture_decoder_damage(decoder.pointer, &damage)
        return PictureDamage(damage)
    }
}

/// An encoder of one JPEG, row by row.
struct PictureEncoder: ~Copyable {
    /// The C object, so that every way out of `init` destroys it.
    @safe private struct Encoder: ~Copyable {
        let pointer: OpaquePointer
        private let path: String

        init(_ created: OpaquePointer?, path: String) throws(ImagingError) {
            guard let created = unsafe created else { throw .outOfMemory(limitBytes: ImagingLimits.memoryBytes) }
            unsafe pointer = created
            self.path = path
        }

        deinit { unsafe picture_encoder_destroy(pointer) }

        /// Throws if a call failed.
        func check(_ outcome: picture_outcome) throws(ImagingError) {
            if outcome == .fine { return }
            var failure = picture_failure()
            unsafe picture_encoder_failure(pointer, &failure)
            throw ImagingError(failure, path: path)
        }
    }

    private let encoder: Encoder
    private let rowCount: Int

    /// How to encode a picture.
    struct Options: Sendable {
        let size: PixelSize
        /// 1 gray, 3 RGB.
        let components: Int
        /// On libjpeg's scale of 1…100.
        let quality: Int
        /// 4:4:4 instead of 4:2:0.
        var hasFullChroma = false
        var isProgressive = true
        /// Memory does not grow with the picture; the file is larger by some percent, and not progressive.
        var isStreamed = false
        /// An EXIF block, without the head of its segment.
        var exif: [UInt8] = []
        /// An ICC profile of the components' colour space.
        var profile: [UInt8] = []
    }

    /// Writes to `file` from its first byte, without moving its position; it must stay open as long as the encoder
    /// lives.
    init(_ file: borrowing OpenFile, _ options: Options) throws(ImagingError) {
        let created = unsafe picture_encoder_for_file(file.descriptor)
        try unsafe self.init(created, path: file.path, options)
    }

    /// Keeps the picture in memory, and fails with `full` once it exceeds `capacity` bytes.
    init(capacity: Int, _ options: Options) throws(ImagingError) {
        let created = unsafe picture_encoder_for_bytes(capacity)
        try unsafe self.init(created, path: "(memory)", options)
    }

    private init(_ created: OpaquePointer?, path: String, _ options: Options) throws(ImagingError) {
        let encoder = try unsafe Encoder(created, path: path)
        let raw = picture_settings(
            width: UInt32(options.size.width), height: UInt32(options.size.height),
            components: Int32(options.components), quality: Int32(options.quality),
            full_chroma: options.hasFullChroma, progressive: options.isProgressive, streamed: options.isStreamed)
        // Safe: the bytes are written out before the call returns.
        try encoder.check(
            unsafe picture_encoder_start(
                encoder.pointer, raw, options.exif, options.exif.count, options.profile, options.profile.count))
        self.encoder = encoder
        rowCount = options.size.width * options.components
    }

    mutating func writeRow(_ row: [UInt8]) throws(ImagingError) {
        precondition(row.count == rowCount, "a row has as many samples as the picture is wide")
        // Safe: the row is as long as C takes it to be.
        try encoder.check(unsafe picture_encoder_write_row(encoder.pointer, row))
    }

    /// Writes the rest; returns the size of the picture in bytes.
    mutating func finish() throws(ImagingError) -> Int64 {
        try encoder.check(unsafe picture_encoder_finish(encoder.pointer))
        return unsafe picture_encoder_count(encoder.pointer)
    }

    /// The finished picture, if it was kept in memory.
    func bytes() -> [UInt8] {
        // Safe: the buffer lives as long as the encoder and holds as many bytes as were counted.
        guard let start = unsafe picture_encoder_bytes(encoder.pointer) else { return [] }
        return unsafe [UInt8](UnsafeBufferPointer(start: start, count: Int(picture_encoder_count(encoder.pointer))))
    }
}

/// Scales a picture down, row by row, with a Lanczos filter in linear light.
@safe struct RowScaler: ~Copyable {
    private let scaler: OpaquePointer
    private let inputCount: Int
    private let outputCount: Int

    /// A scaler from rows of `input` to rows of `output`; nil if they are the same. `sourceWidth` and `sourceHeight`
    /// are the exact size of the picture in input samples, which libjpeg rounds up when it decodes at a fraction.
    static func unlessEqual(
        _ input: PixelSize, _ output: PixelSize, components: Int, sourceWidth: Double? = nil,
        sourceHeight: Double? = nil
    ) throws(ImagingError) -> RowScaler? {
        if input == output { return nil }
        return try RowScaler(
            row_scaler_settings(
                input_width: UInt32(input.width), input_height: UInt32(input.height),
                output_width: UInt32(output.width), output_height: UInt32(output.height),
                source_width: sourceWidth ?? Double(input.width), source_height: sourceHeight ?? Double(input.height),
                components: Int32(components), lobes: 3))
    }

    private init(_ settings: row_scaler_settings) throws(ImagingError) {
        guard let created = unsafe row_scaler_create(settings) else {
            throw .outOfMemory(limitBytes: ImagingLimits.memoryBytes)
        }
        unsafe scaler = created
        inputCount = Int(settings.input_width) * Int(settings.components)
        outputCount = Int(settings.output_width) * Int(settings.components)
    }

    deinit { unsafe row_scaler_destroy(scaler) }

    /// Takes the next row, from top to bottom. Output rows that are ready must be taken first.
    mutating func take(_ row: [UInt8]) {
        precondition(row.count == inputCount, "a row has as many samples as the picture is wide")
        // Safe: the row is as long as C takes it to be.
        let isTaken = unsafe row_scaler_take(scaler, row)
        precondition(isTaken, "a scaler takes as many rows as it was made for, and none while one is ready")
    }

    /// Puts the next output row into `row`; false if more input is needed first.
    mutating func give(into row: inout [UInt8]) -> Bool {
        precondition(row.count == outputCount, "a row has as many samples as the picture is wide")
        // Safe: as above.
        return unsafe row_scaler_give(scaler, &row)
    }
}

extension ImagingError {
    fileprivate init(_ failure: picture_failure, path: String) {
        let message = text(of: failure.message)
        switch failure.outcome {
        case .not_jpeg: self = .notJPEG
        case .truncated: self = .truncated
        case .unsupported: self = .unsupported(message)
        case .too_many_pixels: self = .tooManyPixels(limit: ImagingLimits.pixels)
        case .too_many_scans: self = .tooManyScans(limit: ImagingLimits.scans)
        case .out_of_memory: self = .outOfMemory(limitBytes: ImagingLimits.memoryBytes)
        case .read_failed:
            self = .file(FileError(operation: "pread", path: path, code: failure.system_error))
        case .write_failed:
            self = .file(FileError(operation: "pwrite", path: path, code: failure.system_error))
        case .full: self = .full
        default: self = .corrupt(message)
        }
    }
}

/// The text in an array of C, up to its first zero byte.
private func text<Characters: BitwiseCopyable>(of characters: Characters) -> String {
    // Safe: the bytes are read within the call.
    unsafe withUnsafeBytes(of: characters) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
