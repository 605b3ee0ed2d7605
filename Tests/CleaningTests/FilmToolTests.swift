import Files
import Testing

@testable import Cleaning

/// Films that ffmpeg makes, and what ffmpeg and exiftool say of their copies.
@Suite(.enabled(if: Program.areInstalled("ffmpeg", "ffprobe", "exiftool"), "ffmpeg and exiftool are not installed"))
struct FilmToolTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private static let picture = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=2"]
    private static let sound = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"]
    private static let words = [
        "-metadata", "title=PlantedTitle", "-metadata", "artist=PlantedArtist", "-metadata",
        "location=+52.5200+013.4050/",
        "-metadata", "comment=PlantedComment", "-metadata", "creation_time=2024-05-06T07:08:09Z",
    ]

    /// The name of each film, and how it is made.
    private static let films: [(name: String, arguments: [String])] = [
        ("plain.mp4", ["-c:v", "mpeg4", "-c:a", "aac"]), ("plain.mov", ["-c:v", "mpeg4", "-c:a", "pcm_s16le"]),
        ("deep.mov", ["-c:v", "prores", "-c:a", "pcm_s24be"]),
        ("timecode.mov", ["-c:v", "mpeg4", "-timecode", "01:02:03:04"]),
        ("sound.m4a", ["-vn", "-c:a", "alac"]), ("sound.mp4", ["-vn", "-c:a", "ac3"]),
        ("aac.m4a", ["-vn", "-c:a", "aac"]), ("opus.mp4", ["-vn", "-c:a", "libopus"]),
        ("h264.mp4", ["-c:v", "libx264", "-c:a", "aac", "-metadata:s:v", "rotate=90"]),
        ("hevc.mov", ["-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1", "-c:a", "alac"]),
        ("phone.3gp", ["-c:v", "h263", "-s", "128x96", "-c:a", "aac", "-b:a", "32k"]),
        ("fragments.mp4", ["-c:v", "mpeg4", "-c:a", "aac", "-g", "5", "-movflags", "frag_keyframe+empty_moov"]),
        (
            "moof.mp4",
            [
                "-c:v", "mpeg4", "-c:a", "aac", "-g", "5", "-movflags",
                "frag_keyframe+empty_moov+default_base_moof+separate_moof",
            ]
        ),
        (
            "dash.mp4",
            ["-c:v", "mpeg4", "-c:a", "aac", "-g", "5", "-movflags", "dash+global_sidx", "-write_prft", "wallclock"]
        ),
        ("hybrid.mp4", ["-c:v", "mpeg4", "-c:a", "aac", "-g", "5", "-movflags", "frag_keyframe"]),
    ]

    /// What exiftool may find: how a film is to be played.
    private static let tags: Set<String> = [
        "MajorBrand", "MinorVersion", "CompatibleBrands", "MediaDataSize", "MediaDataOffset", "MediaData",
        "MovieHeaderVersion", "CreateDate", "ModifyDate", "TimeScale", "Duration", "PreferredRate", "PreferredVolume",
        "MatrixStructure", "PreviewTime", "PreviewDuration", "PosterTime", "SelectionTime", "SelectionDuration",
        "CurrentTime", "NextTrackID", "Rotation", "TrackHeaderVersion", "TrackCreateDate", "TrackModifyDate", "TrackID",
        "TrackDuration", "TrackLayer", "TrackVolume", "ImageWidth", "ImageHeight", "MediaHeaderVersion",
        "MediaCreateDate", "MediaModifyDate", "MediaTimeScale", "MediaDuration", "MediaLanguageCode", "HandlerClass",
        "HandlerType", "GraphicsMode", "OpColor", "Balance", "NullMediaHeader", "CompressorID", "SourceImageWidth",
        "SourceImageHeight", "XResolution", "YResolution", "BitDepth", "AVCConfiguration", "PixelAspectRatio",
        "VideoFieldOrder", "ColorProfiles", "ColorPrimaries", "TransferCharacteristics", "MatrixCoefficients",
        "VideoFullRangeFlag", "BufferSize", "MaxBitrate", "AverageBitrate", "AudioFormat", "AudioChannels",
        "AudioBitsPerSample", "AudioSampleRate", "LayoutFlags", "PurchaseFileFormat", "TimeToSampleTable",
        "CompositionTimeToSample", "SyncSampleTable", "SampleToChunk", "SampleSizes", "ChunkOffset",
        "SampleGroupDescription", "SampleToGroup", "IdependentAndDisposableSamples", "VideoFrameRate",
        "MovieFragmentSequence", "SampleTime", "SampleDuration", "Unknown_alac", "Unknown_alis", "Unknown_btrt",
        "Unknown_d263", "Unknown_dac3", "Unknown_dOps", "Unknown_edts", "Unknown_esds", "Unknown_fiel", "Unknown_hvcC",
        "Unknown_mp4a", "Unknown_mvex", "Unknown_tfdt", "Unknown_tfhd", "Unknown_trun", "Unknown_pasp", "Endianness",
    ]

    @Test(arguments: films.indices) func `packets, codecs and lengths are those of the original`(index: Int) throws {
        let (name, arguments) = Self.films[index]
        _ = try Program.run(
            "ffmpeg", ["-nostdin", "-v", "error"] + Self.picture + Self.sound + Self.words + arguments + [name],
            in: folder.path)
        let input = try OpenFile("\(folder.path)/\(name)", .read)
        let cleaned = try Film.clean(try SourceBytes(input))
        let output = try folder.file([], named: "clean-\(name)")
        try cleaned.copy.write(from: input, to: output)
        #expect(cleaned.removed.isSuperset(of: [.gps, .text, .encoder]))

        // Packets of these lose messages of their encoder; frames are the same.
        let losesMessages = name.hasPrefix("h264") || name.hasPrefix("hevc")
        func packets(_ name: String) throws -> [String] {
            let input = ["-nostdin", "-v", "error", "-i", name, "-map", "0:v?", "-map", "0:a?"]
            let arguments = input + (losesMessages ? [] : ["-c", "copy"]) + ["-f", "framemd5", "-"]
            return try Program.run("ffmpeg", arguments, in: folder.path).split(separator: "\n").map(String.init)
                .filter { !$0.hasPrefix("#") }
        }
        let original = try packets(name)
        #expect(original.count > 10)
        #expect(try packets("clean-\(name)") == original)

        func streams(_ name: String) throws -> String {
            let entries = "stream=codec_name,width,height,channels,duration:stream_side_data=rotation:format=duration"
            return try Program.run(
                "ffprobe", ["-v", "error", "-select_streams", "V", "-show_entries", entries, "-of", "csv", name],
                in: folder.path)
        }
        #expect(try streams("clean-\(name)") == streams(name))

        let told = try Program.run("exiftool", ["-ee", "-G1", "-a", "-u", "-s", "clean-\(name)"], in: folder.path)
        for word in ["Planted", "52 deg", "2024:05:06", "Lavf", "Lavc", "Warning", "Error"] {
            #expect(!told.contains(word), "\(told)")
        }
        let tags = try PictureTool.tags(of: ["\(folder.path)/clean-\(name)"]).map { tag in
            String(tag.drop { $0 != ":" }.dropFirst())
        }
        #expect(Set(tags).subtracting(Self.tags) == [])
        let bytes = try TestFolder.bytes(of: output)
        for word in ["Planted", "52.5200", "Handler"] { #expect(!bytes.contains(word), "\(word)") }
        let movie = try #require(bytes.position(of: .text("moov")))
        let data = try #require(bytes.position(of: .text("mdat")))
        #expect(movie < data)
    }

    @Test func `frames decode from a pipe, since the description comes first`() throws {
        _ = try Program.run(
            "ffmpeg",
            ["-nostdin", "-v", "error"] + Self.picture + Self.sound + ["-c:v", "mpeg4", "-c:a", "aac", "film.mp4"],
            in: folder.path)
        let input = try OpenFile("\(folder.path)/film.mp4", .read)
        let cleaned = try Film.clean(try SourceBytes(input))
        let output = try folder.file([], named: "clean.mp4")
        try cleaned.copy.write(from: input, to: output)
        let decoded = try ["film.mp4", "clean.mp4"].map {
            try Program.run("ffmpeg", ["-nostdin", "-v", "error", "-i", $0, "-f", "md5", "-"], in: folder.path)
        }
        #expect(decoded[0] == decoded[1])
        let piped = "cat clean.mp4 | ffmpeg -nostdin -v error -i pipe:0 -f md5 -"
        #expect(try Program.run("sh", ["-c", piped], in: folder.path) == decoded[0])
        let bytes = try TestFolder.bytes(of: output)
        let movie = try #require(bytes.position(of: .text("moov")))
        let data = try #require(bytes.position(of: .text("mdat")))
        #expect(movie < data)
    }
}
