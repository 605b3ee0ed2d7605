import Foundation
import Testing

/// A program that somebody else wrote, to look at what comes out.
struct Program {
    let path: String

    /// Finds a program on PATH; nil where it is missing.
    init?(_ name: String) {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") })
        else {
            return nil
        }
        path = "\(folder)/\(name)"
    }

    static func areInstalled(_ names: String...) -> Bool { names.allSatisfy { Program($0) != nil } }

    /// What it writes; throws where it fails. Its errors are among it if they are wanted.
    static func run(
        _ name: String, _ arguments: [String], in folder: String = "/", withErrors: Bool = false
    ) throws -> String {
        let program = try #require(Program(name))
        let process = Process()
        process.executableURL = URL(filePath: program.path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = withErrors ? pipe : FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ProgramFailure(
                command: "\(name) \(arguments.joined(separator: " "))", status: process.terminationStatus)
        }
        return String(decoding: output, as: UTF8.self)
    }
}

struct ProgramFailure: Error {
    let command: String
    let status: Int32
}
