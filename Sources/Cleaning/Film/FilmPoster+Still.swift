/// A frame as a decoder of pictures takes it.
extension FilmPoster {
    /// HEVC and AV1: the smallest HEIF file with the frame as its picture (ISO/IEC 23008-12, B.2; AVIF 1.1). H.264:
    /// parameter sets and slices behind start codes (ITU-T H.264, annex B). VP8: the smallest WebP (RFC 9649).
    package func still(_ frame: Int, of source: SourceBytes) throws(CleaningError) -> [UInt8] {
        let sample = Array(try source.bytes(frames[frame].count, at: frames[frame].lowerBound))
        switch coding {
        case .hevc: return heif("heic", item: "hvc1", sample)
        case .av1: return heif("avif", item: "av01", sample)
        case .avc: return try annexB(sample)
        case .vp8:
            let padding: [UInt8] = sample.count % 2 == 0 ? [] : [0]
            let chunk = RIFFChunk.header("VP8 ", length: Int64(sample.count)) + sample + padding
            return RIFFChunk.header("RIFF", length: Int64(chunk.count + 4)) + Array("WEBP".utf8) + chunk
        }
    }

    /// The matrix that makes RGB of it, by ITU-T H.273: the film's own, else BT.709 for what is larger than television
    /// was.
    package var matrix: UInt8 {
        switch codePoints?[2] {
        case 1: 1
        case 5, 6: 6
        default: min(width, height) > 576 ? 1 : 6
        }
    }

    /// Samples use all values instead of 16…235.
    package var usesFullRange: Bool { isFullRange }

    private func heif(_ brand: BoxType, item: BoxType, _ sample: [UInt8]) -> [UInt8] {
        let fileType = [UInt8].box("ftyp", brand.bytes + [0, 0, 0, 0] + BoxType("mif1").bytes + brand.bytes)
        let size = BigEndian.bytes(UInt32(width)) + BigEndian.bytes(UInt32(height))
        var properties = configuration + .fullBox("ispe", size)
        var places: [UInt8] = [0x81, 2]
        if let codePoints {
            let numbers: [UInt8] = codePoints.flatMap { BigEndian.bytes($0) }
            properties += .box("colr", BoxType("nclx").bytes + numbers + [isFullRange ? 0x80 : 0])
            places.append(3)
        }
        let association: [UInt8] = [0, 0, 0, 1, 0, 1, UInt8(places.count)] + places
        let fixed =
            [UInt8].fullBox("hdlr", [0, 0, 0, 0] + BoxType("pict").bytes + [UInt8](repeating: 0, count: 13))
            + .fullBox("pitm", [0, 1])
            + .fullBox("iinf", [0, 1] + .fullBox("infe", version: 2, [0, 1, 0, 0] + item.bytes + [0]))
            + .box("iprp", .box("ipco", properties) + .fullBox("ipma", association))
        func meta(_ offset: Int) -> [UInt8] {
            let place = BigEndian.bytes(UInt32(offset)) + BigEndian.bytes(UInt32(sample.count))
            return .fullBox("meta", fixed + .fullBox("iloc", [0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1] + place))
        }
        return fileType + meta(fileType.count + meta(0).count + 8) + .box("mdat", sample)
    }

    /// ISO/IEC 14496-15, 5.3.3: parameter sets of the configuration, then the sample's units, each behind its length.
    private func annexB(_ sample: [UInt8]) throws(CleaningError) -> [UInt8] {
        var fields = FieldReader(Array(configuration.dropFirst(8)), of: "avcC")
        let start = try fields.bytes(5)
        let lengthBytes = Int(start[4] & 3) + 1
        var units: [UInt8] = []
        for mask in [0x1F, 0xFF] {
            for _ in 0..<Int(try fields.number(1)) & mask {
                units += [0, 0, 0, 1] + (try fields.bytes(Int(try fields.number(2))))
            }
        }
        var rest = FieldReader(sample, of: "mdat")
        while rest.count >= lengthBytes {
            units += [0, 0, 0, 1] + (try rest.bytes(Int(try rest.number(lengthBytes))))
        }
        return units
    }
}
