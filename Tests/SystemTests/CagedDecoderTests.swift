import Foundation
import TestSupport
import Testing

/// The finished client as the decoder of its own pictures.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct CagedDecoderTests {
    private static let canMake = ["convert", "heif-enc", "strace"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
    }

    /// A folder with a HEIC of 64 × 48 pixels.
    private func makePicture() async throws -> Journey {
        let journey = try Journey()
        let made = try await shell(
            "convert -size 64x48 plasma:red-blue -alpha off PNG24:in.png && heif-enc in.png -o in.heic", journey)
        #expect(made.status == 0, "\(made.errors)")
        return journey
    }

    private func shell(_ script: String, _ journey: Journey) async throws -> CommandResult {
        try await run(
            "/bin/sh", ["-c", script], environment: ["PATH": "/usr/bin:/bin", "SATCHEL": Programs.path("satchel")],
            in: journey.folder.path)
    }

    @Test func `no help tells of the caged process, and started by hand it does nothing`() async throws {
        let journey = try Journey()
        for arguments in [["--help"], ["--experimental-dump-help"], ["help", "send"]] {
            let shown = try await run(Programs.path("satchel"), arguments)
            #expect(!shown.output.contains("caged"))
        }
        for arguments in [["heif", "500000000"], ["avc", "500000000"], ["heif", "x"], ["other", "1"], []] {
            let started = try await run(
                Programs.path("satchel"), ["caged-decoder"] + arguments, in: journey.folder.path)
            #expect(started.status != 0 && started.output.isEmpty)
        }
    }

    @Test(.enabled(if: canMake, "needs imagemagick, libheif-examples and strace"))
    func `a program whose file is gone still decodes`() async throws {
        let journey = try await makePicture()
        let script = """
            cp "$SATCHEL" copy && mkfifo pipe
            ./copy prepare - -o out.jpg < pipe &
            exec 3> pipe
            until [ "$(readlink /proc/$!/exe)" = "$PWD/copy" ]; do kill -0 $! || exit 1; done
            rm copy && cat in.heic >&3 && exec 3>&-
            wait $!
            """
        let ended = try await shell(script, journey)
        #expect(
            ended.status == 0 && ended.errors.contains("picture converted (HEIC to JPEG), 64 × 48"), "\(ended.errors)")
        #expect(try bytes(ofFile: journey.path("out.jpg")).starts(with: [0xFF, 0xD8]))
    }

    @Test(.enabled(if: canMake, "needs imagemagick, libheif-examples and strace"))
    func `the caged process gets nothing but its three descriptors, and shuts itself in before it reads`() async throws
    {
        let journey = try await makePicture()
        let script = """
            exec 7< /etc/passwd 8> other
            SECRET=hidden strace -f -v -s 64 -o trace "$SATCHEL" prepare in.heic -o out.jpg
            """
        let ended = try await shell(script, journey)
        guard ended.errors.contains("picture converted") else {
            // Some containers forbid ptrace.
            #expect(ended.errors.contains("ptrace"), "\(ended.errors)")
            return
        }
        let trace = try String(contentsOfFile: journey.path("trace"), encoding: .utf8).split(separator: "\n")
        let start = try #require(trace.first { $0.contains("execve(\"/proc/self/exe\"") })
        #expect(start.contains("\"caged-decoder\"") && start.contains("], []"), "\(start)")
        let child = start.prefix { $0 != " " }
        let own = trace.filter { $0.hasPrefix(child + " ") }
        let shut = try #require(own.firstIndex { $0.contains("seccomp(SECCOMP_SET_MODE_FILTER") })
        #expect(!own[..<shut].contains { $0.contains("read(3,") || $0.contains("pread64(3,") })
        #expect(own[shut...].contains { $0.contains("pread64(3,") })
        #expect(!own[shut...].contains { $0.contains("open") || $0.contains("socket(") })
        #expect(own.contains { $0.contains("close_range(6") } || own.contains { $0.contains("close(7)") })
        let limits = own.filter { $0.contains("setrlimit") || $0.contains("prlimit64") }
        for name in ["RLIMIT_CORE", "RLIMIT_NOFILE", "RLIMIT_CPU", "RLIMIT_AS"] {
            #expect(limits.contains { $0.contains(name) }, "\(name)")
        }
    }
}
