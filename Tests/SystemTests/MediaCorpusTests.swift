import Foundation
import TestSupport
import Testing

/// Pictures, films and sound that other programs have made and filled with words about their maker, and what other programs
/// find in them after `satchel prepare`.
@Suite(
    .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)),
    .enabled(
        if: MediaCorpus.canBeMade, "needs ffmpeg, exiftool, ImageMagick, cwebp and heif-enc: scripts/test installs them"
    ))
struct MediaCorpusTests {
    @Test func `nothing that was planted is left, and every frame is`() async throws {
        let corpus = try await MediaCorpus()
        for file in MediaCorpus.files {
            let made = corpus.journey.path(file.name)
            #expect(try MediaCorpus.planted(in: made).isEmpty == false, "\(file.name) tells nothing to begin with")
            for quality in ["standard", "high", "original"] {
                let (prepared, name) = try await corpus.prepare(file.name, quality)
                #expect(prepared.status == 0 && prepared.errors.contains("removed: "), "\(prepared.errors)")
                let out = corpus.journey.path(name)
                #expect(try MediaCorpus.planted(in: out).isEmpty, "\(name)")
                let tags = try await corpus.tags(of: name)
                #expect(tags.isEmpty, "exiftool finds \(tags) in \(name)")
            }
            guard file.name != "photo.jpg" else { continue }
            let after = try await corpus.frames(of: "original-\(file.name)")
            #expect(try await corpus.frames(of: file.name) == after && !after.isEmpty, "\(file.name)")
        }
    }

    @Test(.enabled(if: MediaCorpus.hasMat2, "needs mat2"))
    func `a cleaner that somebody else wrote finds nothing to clean`() async throws {
        let corpus = try await MediaCorpus()
        for file in MediaCorpus.files where file.isReadByMat2 {
            let (_, name) = try await corpus.prepare(file.name, "original")
            let shown = try await run("/usr/bin/mat2", ["--show", name], in: corpus.journey.folder.path)
            let fields = shown.lines.filter { $0.hasPrefix("  ") && !$0.contains("No metadata found") }.map { line in
                line.trimmingCharacters(in: .whitespaces).split(separator: ":").first.map(String.init) ?? ""
            }
            let told = fields.filter { !MediaCorpus.structure.contains($0) }
            #expect(shown.status == 0 && told.isEmpty, "mat2 finds \(told) in \(name): \(shown.output)")
        }
    }

    @Test(.enabled(if: MediaCorpus.hasBrowser, "needs chromium"))
    func `a browser shows and plays what leaves, at the size that the message tells`() async throws {
        let corpus = try await MediaCorpus()
        var expected: [String] = []
        for file in MediaCorpus.files where file.isShownByBrowsers {
            let (prepared, name) = try await corpus.prepare(file.name, "standard")
            #expect(prepared.status == 0, "\(prepared.errors)")
            let sealed = try await corpus.journey.satchel("seal", file.name, "-o", "blob", "--force")
            let media = try #require(
                (JSONSerialization.jsonObject(with: Data(sealed.outputBytes)) as? [String: Any])?["media"]
                    as? [String: Any])
            expected.append("\(name) \(media["width"] as? Int ?? 0)×\(media["height"] as? Int ?? 0)")
        }
        let names = expected.map { $0.split(separator: " ")[0] }
        try write(Array(MediaCorpus.page(showing: names).utf8), toFile: corpus.journey.path("page.html"))
        let shown = try await run(
            "/usr/bin/chromium",
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000", "--dump-dom",
                "--user-data-dir=\(corpus.journey.path("browser"))", "file://\(corpus.journey.path("page.html"))",
            ], environment: corpus.journey.environment(server: nil))
        for line in expected { #expect(shown.output.contains("[\(line)]"), "\(line): \(shown.output)") }
    }
}

/// The files, in a folder of their own.
private struct MediaCorpus {
    let journey: Journey

    struct File: Sendable {
        let name: String
        /// A line for /bin/sh. `$M` are ffmpeg's words about the maker, `$V` and `$A` a film and a sound of two seconds.
        let recipe: String
        var isReadByMat2 = true
        var isShownByBrowsers = true
    }

    private static let words =
        "-GPSLatitude=52.5200066 -GPSLatitudeRef=N -GPSLongitude=13.404954 -GPSLongitudeRef=E "
        + "-Make=PLANTEDMAKE -Model=PLANTEDMODEL -SerialNumber=SERIAL4711 -DateTimeOriginal='2019:05:06 07:08:09' "
        + "-XMP:Title=PLANTEDTITLE -XMP:CreatorTool=PLANTEDTOOL -Artist=PLANTEDARTIST -UserComment=PLANTEDCOMMENT"
    private static let filmWords =
        "-UserData:Make=PLANTEDMAKE -XMP:Title=PLANTEDTITLE -ItemList:Artist=PLANTEDARTIST"

    static let files: [File] = [
        File(name: "photo.jpg", recipe: "convert base.png photo.jpg; tag \(words) photo.jpg"),
        File(
            name: "screen.png",
            recipe:
                "cp base.png screen.png; tag \(words) screen.png; tag -PNG:Title=PLANTEDTITLE -PNG:Software=PLANTEDTOOL "
                + "-PNG:CreationTime='2019:05:06 07:08:09' screen.png"),
        File(
            name: "moving.gif",
            recipe: "convert -delay 20 base.png -flip base.png moving.gif; "
                + "tag -Comment=PLANTEDCOMMENT -XMP:Title=PLANTEDTITLE moving.gif"),
        File(name: "lossy.webp", recipe: "cwebp -quiet -q 80 base.png -o lossy.webp; tag \(words) lossy.webp"),
        File(name: "drawn.webp", recipe: "cwebp -quiet -lossless base.png -o drawn.webp; tag \(words) drawn.webp"),
        File(
            name: "phone.heic", recipe: "heif-enc base.png -o phone.heic >&2; tag \(words) phone.heic",
            isReadByMat2: false, isShownByBrowsers: false),
        File(
            name: "film.mp4",
            recipe: "ff $V $A $M -c:v libx264 -pix_fmt yuv420p -c:a aac film.mp4; tag \(filmWords) film.mp4"),
        File(
            name: "film.mov",
            recipe: "ff $V $A $M -c:v libx264 -pix_fmt yuv420p -c:a aac -movflags use_metadata_tags film.mov; "
                + "tag \(filmWords) film.mov", isReadByMat2: false),
        File(
            name: "hevc.mov",
            recipe: "ff $V $A $M -c:v libx265 -tag:v hvc1 -x265-params log-level=none -c:a aac hevc.mov; "
                + "tag \(filmWords) hevc.mov", isReadByMat2: false, isShownByBrowsers: false),
        File(
            name: "pieces.mp4",
            recipe: "ff $V $A $M -c:v libx264 -pix_fmt yuv420p -c:a aac -movflags frag_keyframe+empty_moov pieces.mp4"),
        File(
            name: "old.3gp", recipe: "ff $V $A $M -c:v mpeg4 -c:a aac old.3gp", isReadByMat2: false,
            isShownByBrowsers: false),
        File(name: "web.webm", recipe: "ff $V $A $M -c:v libvpx -c:a libopus web.webm", isReadByMat2: false),
        File(
            name: "film.mkv", recipe: "ff $V $A $M -c:v libx264 -c:a libvorbis film.mkv", isReadByMat2: false,
            isShownByBrowsers: false),
        File(name: "voice.m4a", recipe: "ff $A $M -c:a aac voice.m4a; tag \(filmWords) voice.m4a", isReadByMat2: false),
        File(name: "song.mp3", recipe: "ff $A $M song.mp3"),
        File(name: "song.flac", recipe: "ff $A $M song.flac"),
        File(name: "song.ogg", recipe: "ff $A $M -c:a libvorbis song.ogg"),
        File(name: "note.opus", recipe: "ff $A $M -c:a libopus note.opus"),
        File(name: "take.wav", recipe: "ff $A $M take.wav"),
    ]

    /// What mat2 lists of a file's own structure.
    static let structure: Set<String> = [
        "AverageBitrate", "BufferSize", "CompatibleBrands", "CompressorID", "GraphicsMode", "HandlerType", "MajorBrand",
        "MaxBitrate", "MediaDataOffset", "MediaDataSize", "MediaHeaderVersion", "MinorVersion", "MovieFragmentSequence",
        "MovieHeaderVersion", "NextTrackID", "OpColor", "PlaybackMode", "PreferredRate", "PreferredVolume",
        "TrackHeaderVersion", "TrackID", "TrackLayer", "VideoFrameRate", "XResolution", "YResolution",
        "SourceImageWidth",
        "SourceImageHeight", "TimeScale", "MediaTimeScale", "BlueX", "BlueY", "GreenX", "GreenY", "RedX", "RedY",
        "WhitePointX", "WhitePointY", "Gamma", "SRGBRendering", "MatrixStructure", "Balance", "BitDepth", "AudioFormat",
        "AudioChannels", "AudioBitsPerSample", "AudioSampleRate", "TrackVolume", "TrackDuration", "MediaDuration",
        "Duration", "CreateDate", "ModifyDate", "TrackCreateDate", "TrackModifyDate", "MediaCreateDate",
        "MediaModifyDate", "MediaLanguageCode", "PosterTime", "PreviewTime", "PreviewDuration", "SelectionTime",
        "SelectionDuration", "CurrentTime", "Rotation", "PixelAspectRatio", "HandlerVendorID", "ColorProfiles",
        "ColorPrimaries", "TransferCharacteristics", "MatrixCoefficients", "VideoFullRangeFlag", "Warning",
    ]

    private static let tools = ["ffmpeg", "ffprobe", "exiftool", "convert", "cwebp", "heif-enc"]
    static let canBeMade = tools.allSatisfy { isThere($0) }
    static let hasMat2 = isThere("mat2")
    static let hasBrowser = isThere("chromium")

    private static func isThere(_ name: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\(name)")
    }

    init() async throws {
        journey = try Journey()
        let script = """
            set -e
            ff() { ffmpeg -nostdin -y -v error "$@"; }
            tag() { exiftool -q -m -overwrite_original "$@"; }
            M="-metadata title=PLANTEDTITLE -metadata artist=PLANTEDARTIST -metadata comment=PLANTEDCOMMENT"
            M="$M -metadata creation_time=2019-05-06T07:08:09Z -metadata location=+52.5200+013.4049/"
            M="$M -metadata make=PLANTEDMAKE -metadata com.apple.quicktime.location.ISO6709=+52.5200+013.4049/"
            V="-f lavfi -i testsrc=size=160x120:rate=10:duration=2"
            A="-f lavfi -i sine=frequency=440:duration=2"
            convert -seed 7 -size 320x200 plasma:red-blue base.png
            \(Self.files.map(\.recipe).joined(separator: "\n"))
            """
        let made = try await run(
            "/bin/sh", ["-c", script], environment: ["PATH": "/usr/bin:/bin", "HOME": journey.folder.path],
            in: journey.folder.path)
        try #require(made.status == 0, "\(made.errors)")
    }

    /// What was done, and the name of the file that came out.
    func prepare(_ name: String, _ quality: String) async throws -> (CommandResult, name: String) {
        let out = "\(quality)-\(name)"
        return (try await journey.satchel("prepare", name, "-o", out, "--force", "--quality", quality), out)
    }

    /// Planted words in the bytes of a file.
    static func planted(in path: String) throws -> [String] {
        let text = String(decoding: try bytes(ofFile: path), as: Unicode.ASCII.self)
        return ["PLANTED", "SERIAL4711", "52.52", "2019:05:06", "2019-05-06", "cabac=", "x265 (build"].filter {
            text.contains($0)
        }
    }

    /// Tags about the maker that exiftool finds; times of zero are none. The first frame of an MP3 names the encoder
    /// whose delays it tells.
    func tags(of name: String) async throws -> [Substring] {
        let found = try await run(
            "/usr/bin/exiftool", ["-ee", "-G1", "-a", "-u", "-s", "-s", "--FileModifyDate", "--ProfileDateTime", name],
            in: journey.folder.path)
        let telling = #/GPS|Make|Model|Serial|Artist|Title|Comment|Software|Encoder|Location|XMP|Date|Creat|Author/#
        return found.output.split(separator: "\n").filter { line in
            !line.hasPrefix("[System]") && line.contains(telling) && !line.contains("0000:00:00")
                && !line.hasPrefix("[MPEG] Encoder")
        }
    }

    /// Every frame and packet, decoded where packets would hold what is removed: in pictures, and in films of H.264 and HEVC.
    func frames(of name: String) async throws -> String {
        let isDecoded = ["png", "gif", "webp", "heic", "mp4", "mov", "mkv"].contains { name.hasSuffix($0) }
        let input: [String]
        if name.hasSuffix("heic") {
            _ = try await run("/usr/bin/heif-convert", [name, "shown.png"], in: journey.folder.path)
            input = ["-i", "shown.png"]
        } else {
            input = ["-i", name, "-map", "0"]
        }
        let hashes = try await run(
            "/usr/bin/ffmpeg",
            ["-nostdin", "-v", "error"] + input + (isDecoded ? [] : ["-c", "copy"]) + ["-f", "framemd5", "-"],
            in: journey.folder.path)
        let lines = hashes.output.split(separator: "\n").filter { !$0.hasPrefix("#") }
        return lines.map { $0.split(separator: ", S=").first ?? $0 }.joined(separator: "\n")
    }

    /// A page that says `[NAME WIDTH×HEIGHT]` of each file once it is there.
    static func page(showing names: [Substring]) -> String {
        """
        <!doctype html><meta charset="utf-8"><body></body><script>
        const shown = name => new Promise(done => {
          const isPicture = /(jpg|png|gif|webp)$/.test(name)
          const it = document.createElement(isPicture ? "img" : "video")
          const say = () => done(`[${name} ${it.naturalWidth ?? it.videoWidth}×${it.naturalHeight ?? it.videoHeight}]`)
          it.onload = say; it.onloadeddata = say; it.onerror = () => done(`[${name} is not shown]`)
          it.src = name; document.body.append(it)
        })
        Promise.all(\(names.map(String.init)).map(shown)).then(all => { document.body.textContent = all.join("") })
        </script>
        """
    }
}
