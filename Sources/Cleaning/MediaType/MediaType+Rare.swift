/// Pictures, films and sound that nothing here cleans: they are told from documents, so that they are not sent by mistake.
extension MediaType {
    /// Bytes at the start of files that are no text.
    static func rareType(_ start: FirstBytes) -> String? { rare.first { start.has($0.bytes, at: 0) }?.type }

    private static let rare: [(type: String, bytes: [UInt8])] = [
        ("image/x-fuji-raf", Array("FUJIFILMCCD-RAW".utf8)),
        ("image/x-olympus-orf", Array("IIRO".utf8)), ("image/x-olympus-orf", Array("IIRS".utf8)),
        ("image/x-olympus-orf", Array("MMOR".utf8)),
        ("image/x-panasonic-rw2", [0x49, 0x49, 0x55, 0]),
        ("image/x-canon-crw", Array("II\u{1A}\0\0\0HEAPCCDR".utf8)),
        ("image/x-sigma-x3f", Array("FOVb".utf8)),
        ("image/x-minolta-mrw", Array("\0MRM".utf8)),
        ("image/vnd.adobe.photoshop", Array("8BPS".utf8)),
        ("image/jp2", [0xFF, 0x4F, 0xFF, 0x51]),
        ("image/x-mng", [0x8A, 0x4D, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
        ("image/x-jng", [0x8B, 0x4A, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
        ("image/vnd.microsoft.icon", [0, 0, 1, 0]),
        ("image/x-exr", [0x76, 0x2F, 0x31, 1]),
        ("audio/x-caf", Array("caff\0\u{1}".utf8)),
        ("audio/basic", Array(".snd\0\0".utf8)),
        ("audio/x-ape", Array("MAC ".utf8)),
        ("audio/x-wavpack", Array("wvpk".utf8)),
        ("audio/ac3", [0x0B, 0x77]),
        ("audio/midi", Array("MThd\0\0\0".utf8)),
        ("video/mxf", [0x06, 0x0E, 0x2B, 0x34]),
        ("video/x-realmedia", Array(".RMF".utf8)),
        ("video/x-ivf", Array("DKIF".utf8)),
        ("video/mpeg", [0, 0, 1, 0xB3]),
    ]

    /// A film of ISO's base media format or QuickTime that does not begin as others do: one of its first boxes says so.
    static func filmType(_ source: SourceBytes) throws(CleaningError) -> String? {
        var offset: Int64 = 0
        for _ in 0..<64 where source.count - offset >= 8 {
            let name = BoxType(code: UInt32(try source.bigEndian(4, at: offset + 4)))
            guard name.isPrintable else { return nil }
            var size = try source.bigEndian(4, at: offset)
            if size == 1, source.count - offset >= 16 { size = try source.bigEndian(8, at: offset + 8) }
            switch name {
            case "ftyp", "moov", "mdat": return size == 0 || size >= 8 ? "video/mp4" : nil
            case "moof", "styp", "sidx": return "video/iso.segment"
            default: break
            }
            guard size >= 8, size < UInt64(source.count - offset) else { return nil }
            offset += Int64(size)
        }
        return nil
    }
}
