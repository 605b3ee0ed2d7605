/// What a tag with a name of its own tells: the names that Vorbis comments, APE, Matroska and RIFF have in common.
func removedMetadata(forTag name: some StringProtocol) -> RemovedMetadata {
    let name = name.uppercased()
    switch name {
    case "METADATA_BLOCK_PICTURE", "COVERART", "COVERARTMIME", "COVERARTDESCRIPTION": return .cover
    case "MAKE", "MODEL", "CAMERA", "LENS", "SERIAL_NUMBER", "COM.APPLE.QUICKTIME.MAKE", "COM.APPLE.QUICKTIME.MODEL":
        return .camera
    case "ISFT", "ENCODER", "ENCODED-BY", "ENCODED_BY", "ENCODER_SETTINGS", "ENCODER_OPTIONS", "ENCODING",
        "HANDLER_NAME",
        "_STATISTICS_WRITING_APP", "VENDOR_ID":
        return .encoder
    case "DATE", "YEAR", "ICRD", "IDIT", "CREATION_TIME", "CREATIONTIME", "_STATISTICS_WRITING_DATE_UTC",
        "COM.APPLE.QUICKTIME.CREATIONDATE":
        return .time
    case "BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "_STATISTICS_TAGS": return .other
    case _ where name.hasPrefix("DATE_"): return .time
    case _ where name.hasPrefix("COVER ART"): return .cover
    case _ where name.contains("LOCATION"), _ where name.contains("GPS"), _ where name.contains("ISO6709"): return .gps
    default: return .text
    }
}
