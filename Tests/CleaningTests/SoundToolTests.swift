import Files
import Foundation
import Testing

@testable import Cleaning

/// Films and sound made by ffmpeg, cleaned, and looked at by programs that nobody here wrote.
@Suite(.enabled(if: Program.areInstalled("ffmpeg", "ffprobe"), "ffmpeg is not installed"))
struct SoundToolTests {
    /// What ffmpeg is told to make, with a title, a place and a time in it.
    struct Recipe: Sendable, CustomTestStringConvertible {
        let name: String
        let codec: [String]
        let clean: @Sendable (SourceBytes) throws(CleaningError) -> CleanedFile
        var isFilm = false
        var testDescription: String { name }
    }

    private static let recipes = [
        Recipe(name: "a.mp3", codec: ["-c:a", "libmp3lame"], clean: MP3.clean),
        Recipe(name: "a.flac", codec: ["-c:a", "flac"], clean: FLAC.clean),
        Recipe(name: "a.wav", codec: ["-c:a", "pcm_s16le"], clean: WAV.clean),
        Recipe(name: "rf64.wav", codec: ["-c:a", "pcm_s24le", "-rf64", "always"], clean: WAV.clean),
        Recipe(name: "a.ogg", codec: ["-c:a", "libvorbis"], clean: Ogg.clean),
        Recipe(name: "a.opus", codec: ["-c:a", "libopus"], clean: Ogg.clean),
        Recipe(name: "a.oga", codec: ["-c:a", "flac"], clean: Ogg.clean),
        Recipe(name: "a.aac", codec: ["-c:a", "aac", "-write_id3v2", "1"], clean: AAC.clean),
        Recipe(name: "a.webm", codec: ["-c:v", "libvpx", "-c:a", "libvorbis"], clean: Matroska.clean, isFilm: true),
        Recipe(name: "a.mkv", codec: ["-c:v", "mpeg4", "-c:a", "flac"], clean: Matroska.clean, isFilm: true),
    ]

    /// What exiftool may find: how pictures and sound are coded. `Encoder` is the `LAME` that players need, `Vendor`,
    /// `MuxingApp` and `WritingApp` are empty.
    private static let structure: Set<String> = [
        "BitsPerSample", "BlockSizeMax", "BlockSizeMin", "Channels", "FrameSizeMax", "FrameSizeMin", "MD5Signature",
        "SampleRate", "TotalSamples", "AudioBitrate", "AudioLayer", "ChannelMode", "CopyrightFlag", "Emphasis",
        "Encoder", "IntensityStereo", "MPEGAudioVersion", "MSStereo", "OriginalMedia", "CueClusterPosition", "CueTime",
        "CueTrack", "CueRelativePosition", "Matroska_0x0070", "DocType", "DocTypeReadVersion", "DocTypeVersion",
        "Duration", "EBMLMaxIDLength", "EBMLMaxSizeLength", "EBMLReadVersion", "EBMLVersion", "MuxingApp", "SeekID",
        "SeekPosition", "TimecodeScale", "WritingApp", "AudioChannels", "OpusVersion", "OutputGain", "AvgBytesPerSec",
        "Encoding", "NumChannels", "CodecID", "DisplayHeight", "DisplayWidth", "ImageHeight", "ImageWidth",
        "TrackDefault", "TrackLacing", "TrackLanguage", "TrackLanguageIETF", "TrackNumber", "TrackType", "TrackUID",
        "VideoCodecID", "VideoFrameRate", "VideoScanType", "AudioBitsPerSample", "AudioCodecID", "AudioSampleRate",
        "CodecPrivate", "NominalBitrate", "Vendor", "VorbisVersion", "RIFFSize64", "DataSize64", "NumberOfSamples64",
        "Matroska_0x15b0",  // Colour
    ]

    @Test(arguments: recipes)
    func `packets are the same, and programs find nothing told`(_ recipe: Recipe) throws {
        let folder = try TestFolder()
        let (before, after) = ("\(folder.path)/\(recipe.name)", "\(folder.path)/clean-\(recipe.name)")
        let picture = recipe.isFilm ? ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=1"] : []
        let told = ["title=PLANTED", "location=+52.5200+013.4050/", "date=2024-05-06", "comment=PLANTED"]
        _ = try Program.run(
            "ffmpeg",
            ["-v", "error", "-nostdin", "-f", "lavfi", "-i", "sine=frequency=440:duration=1:sample_rate=48000"]
                + picture
                + recipe.codec + told.flatMap { ["-metadata", $0] } + [before])

        let input = try OpenFile(before, .read)
        let file = try recipe.clean(try SourceBytes(input))
        let output = try OpenFile(after, .create(permissions: 0o600))
        try file.copy.write(from: input, to: output)
        let bytes = try TestFolder.bytes(of: output)
        #expect(!bytes.contains("PLANTED") && !bytes.contains("52.52") && !bytes.contains("2024"))
        #expect(file.removed.isSuperset(of: [.text, .encoder]))

        #expect(try packets(before) == packets(after))
        let decoding = ["-v", "error", "-nostdin", "-i", after, "-f", "null", "-"]
        #expect(try Program.run("ffmpeg", decoding, withErrors: true) == "")
        let duration = try Program.run(
            "ffprobe", ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", after])
        let seconds = Double(duration.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        #expect(abs(seconds - (file.seconds ?? 0)) < 0.05)
        if recipe.isFilm { #expect(file.size?.width == 160 && file.size?.height == 120) }
        if Program.areInstalled("exiftool") {
            // It fails on AAC, which it does not know.
            let tags = (try? PictureTool.tags(of: [after])) ?? []
            for tag in tags { #expect(Self.structure.contains(String(tag.drop { $0 != ":" }.dropFirst())), "\(tag)") }
        }
    }

    /// Time, size and hash of every packet.
    private func packets(_ path: String) throws -> [Substring] {
        let arguments = ["-v", "error", "-nostdin", "-i", path, "-map", "0", "-c", "copy", "-f", "framemd5", "-"]
        let output = try Program.run("ffmpeg", arguments)
        let lines = output.split(separator: "\n").filter { !$0.hasPrefix("#") }
        try #require(!lines.isEmpty)
        // Behind `S=` are comments that ffmpeg attaches to packets.
        return lines.map { line in line.range(of: ", S=").map { line[..<$0.lowerBound] } ?? line }
    }
}
