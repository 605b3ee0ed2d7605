import Foundation
import TestSupport

/// A disk that fails as a test says, under a program that is started with its environment (see failing_disk.c).
final class FailingDisk: Sendable {
    private static let compiler = ["cc", "clang"].flatMap(inPath)

    private let folder: TemporaryFolder

    /// Whether it can be made here.
    static var isPossible: Bool { compilerPath != nil }
    static let missing = "takes a C compiler: the clang of the Swift toolchain does"

    private static var compilerPath: String? {
        compiler.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func inPath(_ program: String) -> [String] {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
    }

    struct NotMade: Error { let log: String }

    init() async throws {
        folder = try TemporaryFolder()
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Peer/failing_disk.c").path
        let made = try await run(
            Self.compilerPath ?? "cc", ["-shared", "-fPIC", "-O1", "-o", folder.path("disk.so"), source, "-ldl"])
        guard made.status == 0 else { throw NotMade(log: made.errors) }
        try recover()
    }

    /// What a program needs to run on this disk.
    var environment: [String: String] {
        ["LD_PRELOAD": folder.path("disk.so"), "FAILING_DISK": folder.path("rules")]
    }

    /// From now on calls fail as `rules` say: a call, an error number, a part of a path, perhaps a file that must exist.
    func fail(_ rules: String) throws {
        try write(Array((rules + "\n").utf8), toFile: folder.path("next"))
        // In one step, since a program may read it at any moment.
        guard unsafe rename(folder.path("next"), folder.path("rules")) == 0 else { throw NotMade(log: "rename") }
    }

    /// The disk is well again.
    func recover() throws { try fail("") }
}
