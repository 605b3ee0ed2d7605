/// What a caged decoder may use.
package struct CageLimits: Hashable, Sendable {
    /// Milliseconds until it is ended, from its start on.
    package let wallMilliseconds: Int64
    /// Bytes of addresses.
    package let memoryBytes: Int
    package let pixels: Int

    /// For pictures that do not say how large they are before they are decoded.
    package static let pixelLimit = 100_000_000
    static let cpuSeconds: UInt32 = 30

    package init(wallMilliseconds: Int64, memoryBytes: Int, pixels: Int = CageLimits.pixelLimit) {
        (self.wallMilliseconds, self.memoryBytes, self.pixels) = (wallMilliseconds, memoryBytes, pixels)
    }

    /// For a picture of this size: 256 MiB, and 10 bytes a pixel; at most 1.25 GiB.
    package init(width: Int, height: Int) {
        let (pixels, overflow) = max(1, width).multipliedReportingOverflow(by: max(1, height))
        let counted = overflow ? Self.pixelLimit : min(pixels, Self.pixelLimit)
        self.init(wallMilliseconds: 30_000, memoryBytes: min((256 << 20) + 10 * counted, 5 << 28))
    }
}

/// The program that becomes the caged process.
package struct CageProgram: Hashable, Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// This very program, even if its file is gone or another one by now.
    package static let own = CageProgram(path: "/proc/self/exe")

    /// The first argument of a program that is to be the caged process.
    package static let command = "caged-decoder"
}

/// What a caged process is to do.
package enum CageTask: String, Sendable {
    /// Decode the first picture of a HEIC, HEIF or AVIF.
    case heif
    /// Decode one key frame of H.264: `AVCKeyFrame`.
    case avc
}
