import Files
import Foundation
import Testing

@testable import Cleaning

/// Pictures made and read by Pillow, and looked through by exiftool.
@Suite struct PictureToolTests {
    /// Writes pictures with all that Pillow can write into them; the arguments are a folder and a profile.
    private static let make = """
        import sys
        from PIL import Image, PngImagePlugin
        folder, profile = sys.argv[1], open(sys.argv[2], 'rb').read()
        frames = [Image.linear_gradient('L').resize((64, 48)).rotate(90 * i).convert('RGB') for i in range(3)]
        clear = [f.convert('RGBA') for f in frames]
        for f in clear: f.putalpha(Image.radial_gradient('L').resize((64, 48)))
        exif = Image.Exif()
        exif[0x0112], exif[0x010F], exif[0x0132], exif[0x0131] = 6, 'MakerOfCameras', '2024:05:06 07:08:09', 'ProgramX'
        exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
        info = PngImagePlugin.PngInfo()
        info.add_text('Title', 'Holiday'); info.add_text('Comment', 'Secret' * 100, zip=True)
        info.add_itxt('XML:com.adobe.xmp', '<x:xmpmeta>SECRET</x:xmpmeta>')
        told = dict(exif=exif, icc_profile=profile)
        moving = dict(save_all=True, duration=[100, 250, 400], loop=3)
        frames[0].save(folder + '/still.png', pnginfo=info, dpi=(72, 72), **told)
        clear[0].save(folder + '/clear.png', pnginfo=info, **told)
        frames[0].convert('P', palette=Image.ADAPTIVE).save(folder + '/palette.png', pnginfo=info, **told)
        frames[0].convert('L').save(folder + '/gray.png', pnginfo=info, exif=exif)
        clear[0].save(folder + '/moving.png', append_images=clear[1:], pnginfo=info, **moving, **told)
        frames[0].save(folder + '/still.gif', comment=b'Secret')
        frames[0].save(folder + '/moving.gif', append_images=frames[1:], comment=b'Secret', **moving)
        for name, pictures in ('opaque', frames), ('clear', clear):
            for lossless in (False, True):
                options = dict(lossless=lossless, xmp=b'<x>SECRET</x>', **told)
                pictures[0].save(f'{folder}/{name}-{lossless}.webp', **options)
                options |= dict(append_images=pictures[1:], **moving)
                pictures[0].save(f'{folder}/{name}-{lossless}-moving.webp', **options)
        """

    /// Compares two folders: every frame with its duration, the number of runs, the orientation.
    private static let compare = """
        import os, sys
        from PIL import Image, ImageSequence
        def seen(path):
            picture = Image.open(path)
            frames = [(f.convert('RGBA').tobytes(), f.info.get('duration')) for f in ImageSequence.Iterator(picture)]
            return frames, picture.size, picture.info.get('loop'), picture.getexif().get(0x0112, 1)
        names = sorted(os.listdir(sys.argv[1]))
        for name in names: assert seen(f'{sys.argv[1]}/{name}') == seen(f'{sys.argv[2]}/{name}'), name
        print(len(names))
        """

    /// What exiftool may find, beside what belongs to the structure of PNG, GIF and RIFF.
    private static let allowed: Set<String> = [
        "IFD0:Orientation", "PNG-pHYs:PixelsPerUnitX", "PNG-pHYs:PixelsPerUnitY", "PNG-pHYs:PixelUnits",
    ]
    private static let structure: Set<String> = [
        "ImageWidth", "ImageHeight", "BitDepth", "ColorType", "Compression", "Filter", "Interlace", "Palette",
        "Transparency", "BackgroundColor", "SRGBRendering", "ProfileName", "AnimationFrames", "AnimationPlays",
        "GIFVersion", "HasColorMap", "ColorResolutionDepth", "BitsPerPixel", "AnimationIterations", "FrameCount",
        "Duration", "TransparentColor", "WebP_Flags", "VP8Version", "HorizontalScale", "VerticalScale",
        "AlphaPreprocessing", "AlphaFiltering", "AlphaCompression", "AlphaIsUsed", "AnimationLoopCount", "ImageVersion",
    ]

    @Test(
        .enabled(if: PictureTool.hasPillow, "Pillow is not installed"),
        .enabled(if: PictureTool.hasExifTool, "exiftool is not installed"))
    func `Pillow sees the same frames, and exiftool nobody's traces`() throws {
        let (before, after, other) = (try TestFolder(), try TestFolder(), try TestFolder())
        _ = try other.file(ProfileSample.display.bytes, named: "profile.icc")
        _ = try Program.run("python3", ["-c", Self.make, before.path, "\(other.path)/profile.icc"])
        let names = try FileManager.default.contentsOfDirectory(atPath: before.path)
        for name in names {
            let input = try OpenFile("\(before.path)/\(name)", .read)
            let source = try SourceBytes(input)
            let file: CleanedFile =
                switch name.suffix(3) {
                case "png": try PNG.clean(source)
                case "gif": try GIF.clean(source)
                default: try WebP.clean(source)
                }
            #expect(!file.removed.isEmpty || name == "still.gif", "\(name)")
            try file.copy.write(from: input, to: try after.file([], named: name))
        }
        #expect(try Program.run("python3", ["-c", Self.compare, before.path, after.path]) == "\(names.count)\n")
        let found = try PictureTool.tags(of: names.map { "\(after.path)/\($0)" })
        for tag in found {
            let name = String(tag.drop { $0 != ":" }.dropFirst())
            let isOfProfile = tag.hasPrefix("ICC_Profile:") || tag.hasPrefix("ICC-header:")
            let isOfFormat = ["PNG:", "GIF:", "RIFF:"].contains { tag.hasPrefix($0) } && Self.structure.contains(name)
            #expect(isOfProfile || isOfFormat || Self.allowed.contains(tag), "\(tag)")
        }
    }

    /// Takes colours through two profiles to L*a*b* by each intent; gives the largest difference.
    private static let measure = """
        import random, sys
        from PIL import Image, ImageCms
        random.seed(1)
        mode, channels = sys.argv[3], {'L': 1, 'RGB': 3, 'CMYK': 4}[sys.argv[3]]
        colours = Image.frombytes(mode, (2000, 1), bytes(random.randrange(256) for _ in range(2000 * channels)))
        def lab(path, intent):
            end = ImageCms.createProfile('LAB')
            way = ImageCms.buildTransform(path, end, mode, 'LAB', renderingIntent=intent)
            data = ImageCms.applyTransform(colours, way).tobytes()
            values = [x / 2.55 if i % 3 == 0 else (x + 128) % 256 for i, x in enumerate(data)]
            return [values[i:i + 3] for i in range(0, len(values), 3)]
        print(max(sum((a - b) ** 2 for a, b in zip(p, q)) ** .5
            for intent in (0, 1, 3) for p, q in zip(lab(sys.argv[1], intent), lab(sys.argv[2], intent))))
        """

    @Test(.enabled(if: PictureTool.hasPillow, "Pillow is not installed"))
    func `littlecms sees the same colours through a rebuilt profile`() throws {
        let folder = try TestFolder()
        let samples: [(String, ProfileSample, PictureColours, String)] = [
            ("display", .display, .rgb, "RGB"), ("p3", .standard(.displayP3), .rgb, "RGB"),
            ("adobe", .standard(.adobeRGB), .rgb, "RGB"), ("press", .press, .cmyk, "CMYK"),
        ]
        for (name, sample, colours, mode) in samples {
            guard case .rebuilt(let bytes) = CleanProfile(sample.bytes[...], of: colours).replacement else {
                Issue.record("\(name) is not made anew")
                continue
            }
            _ = try folder.file(sample.bytes, named: "\(name)-before.icc")
            _ = try folder.file(bytes, named: "\(name)-after.icc")
            let (before, after) = ("\(folder.path)/\(name)-before.icc", "\(folder.path)/\(name)-after.icc")
            let output = try Program.run("python3", ["-c", Self.measure, before, after, mode])
            let difference = Double(output.trimmingCharacters(in: .whitespacesAndNewlines))
            #expect(difference.map { $0 <= 2 } ?? false, "\(name): \(output)")
            guard PictureTool.hasExifTool else { continue }
            let text = try Program.run("exiftool", ["-a", "-u", "-G1", after])
            let planted = [
                "SERIAL", "U2312HM", "Dell", "DELL", "somebody", "2024:05:06", "PressOfMine", "a kind", "Apple",
            ]
            for planted in planted {
                #expect(!text.contains(planted), "\(name) tells \(planted)")
            }
        }
    }
}
