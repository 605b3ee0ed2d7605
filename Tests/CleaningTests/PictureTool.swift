import Foundation

/// Programs that nobody here wrote, where they are installed.
enum PictureTool {
    static let hasExifTool = Program.areInstalled("exiftool")
    static let hasPillow =
        (try? Program.run(
            "python3", ["-c", "from PIL import Image, ImageCms, features; assert features.check('webp')"])) != nil

    /// The names of all tags that exiftool finds in files, with their groups; those of file system and file aside.
    static func tags(of paths: [String]) throws -> Set<String> {
        let text = try Program.run("exiftool", ["-q", "-G1", "-a", "-u", "-ee", "-s"] + paths)
        let lines = text.split(separator: "\n").compactMap { line -> String? in
            guard let end = line.firstIndex(of: "]"), let colon = line.firstIndex(of: ":"), line.hasPrefix("[") else {
                return nil
            }
            let group = line[line.index(after: line.startIndex)..<end]
            return "\(group):" + line[line.index(after: end)..<colon].trimmingCharacters(in: .whitespaces)
        }
        return Set(lines.filter { !["System", "File", "ExifTool", "Composite"].contains($0.prefix { $0 != ":" }) })
    }
}
