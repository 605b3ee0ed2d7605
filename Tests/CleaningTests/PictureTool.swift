import Foundation

/// Programs that nobody here wrote, where they are installed.
enum PictureTool {
    static let hasExifTool = (try? run("exiftool", ["-ver"])) != nil
    static let hasPillow =
        (try? run("python3", ["-c", "from PIL import Image, ImageCms, features; assert features.check('webp')"])) != nil

    struct Failure: Error {
        let text: String
    }

    /// What a program writes to its output; throws unless it ends well.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(text: text) }
        return text
    }

    /// The names of all tags that exiftool finds in files, with their groups; those of file system and file aside.
    static func tags(of paths: [String]) throws -> Set<String> {
        let text = try run("exiftool", ["-q", "-G1", "-a", "-u", "-ee", "-s"] + paths)
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
