import Blobs
import Foundation
import TestSupport
import Testing

/// A running server whose disk forgets.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct RotTests {
    @Test(.enabled(if: FailingDisk.isPossible, Comment(rawValue: FailingDisk.missing)))
    func `a bit that turned is found in the background, told, and healed by the same bytes`() async throws {
        let scene = try await DiskScene("--scrub-rate", "1GiB", "--scrub-interval", "1s")
        for (seed, size) in [(1, 20_000), (2, 3_000_000), (3, 9000)] { _ = try await scene.put(seed, bytes: size) }
        for (seed, size) in [(1, 20_000), (2, 3_000_000)] {
            let blob = DiskScene.blob(seed, bytes: size)
            let path = "/\(blob.address.hex)"
            // It is ready on an event loop, bytes or file, when the bit turns.
            #expect(try await scene.status(path) == "200")
            try scene.journey.flipByte(of: scene.file(of: blob), at: UInt64(size / 2))
            try await eventually { try await scene.status(path) == "404" }
            #expect(
                try await scene.journey.curl("-I", "\(scene.server.url)\(path)").output.contains("X-Reason: damaged"))
            #expect(try await scene.lease(on: blob, owner: seed).contains(#""state":"damaged""#))
            #expect(try await scene.status("/readyz") == "200", "one damaged blob is no reason to be away")
            let told = try await scene.journey.satcheld("stats").output
            #expect(told.contains("damaged     1, set aside until the same bytes are uploaded"), "\(told)")

            #expect(try await scene.upload(blob, owner: 10 + seed) == "201")
            let back = try await scene.journey.curl("\(scene.server.url)\(path)")
            #expect(back.outputBytes == blob.bytes)
            #expect(try await scene.lease(on: blob, owner: seed).contains(#""state":"held""#))
        }
        try await eventually {
            try await scene.journey.satcheld("stats").output.contains("last scrub  3 blobs, 2.8 MiB, 0 damaged")
        }
        #expect(scene.server.log.contains("Set a damaged blob aside"))
        try await scene.expectCleanAfterTheEnd()
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(scene.journey.storage)/damaged").isEmpty)
    }

    @Test(.enabled(if: FailingDisk.isPossible, Comment(rawValue: FailingDisk.missing)))
    func `a blob that the disk does not give back is set aside soon, without any check`() async throws {
        let scene = try await DiskScene("--scrub-rate", "0")
        let (bad, good) = (try await scene.put(1, bytes: 20_000), try await scene.put(2, bytes: 20_000))
        let path = "/\(bad.address.hex)"
        try scene.disk.fail("read 5 \(bad.address.hex)")
        #expect(try await scene.status(path) == "503")
        try await eventually { try await scene.status(path) == "404" }
        #expect(try await scene.lease(on: bad, owner: 1).contains(#""state":"damaged""#))
        #expect(try await scene.status("/\(good.address.hex)") == "200")
        #expect(try await scene.status("/readyz") == "200")
        try scene.disk.recover()
        #expect(try await scene.upload(bad, owner: 1) == "201")
        #expect(try await scene.status(path) == "200")
        try await scene.expectCleanAfterTheEnd()
    }
}

extension DiskScene {
    /// Where the server keeps the file of `blob`.
    func file(of blob: Blob) -> String { "\(journey.storage)/blobs.v1/\(blob.address.shard)/\(blob.address.hex)" }
}
