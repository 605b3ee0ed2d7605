import Foundation
import TestSupport

/// Programs of other people, which make the pictures and judge what became of them.
enum Tool {
    /// ImageMagick, exiftool and libjpeg-turbo's own programs.
    static let areInstalled = ["convert", "exiftool", "cjpeg", "djpeg", "jpegtran"].allSatisfy { path($0) != nil }
    static let reason = "needs imagemagick, libimage-exiftool-perl and libjpeg-turbo-progs"

    struct Failure: Error {
        let command: String
        let status: Int32
    }

    /// Runs a program to its end; what it prints goes to `output`, or nowhere.
    static func run(_ name: String, _ arguments: [String], output: String? = nil) throws {
        guard let path = path(name) else { throw Failure(command: name, status: -1) }
        var sink = FileHandle.nullDevice
        if let output {
            try write([], toFile: output)
            sink = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardOutput = sink
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(command: ([name] + arguments).joined(separator: " "), status: process.terminationStatus)
        }
    }

    static func isInstalled(_ name: String) -> Bool { path(name) != nil }

    private static func path(_ name: String) -> String? {
        ["/usr/bin/\(name)", "/usr/local/bin/\(name)"].first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
