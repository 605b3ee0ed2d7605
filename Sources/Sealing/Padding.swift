import Blobs

/// How the length of a plaintext is blurred before it is sealed. Only the encoder knows the policy.
package enum Padding: String, CaseIterable, Sendable {
    /// The blob tells the exact size.
    case none
    /// Sixteen sizes an octave.
    case sixteenths
    /// Eight sizes an octave: about 4.7 % larger, 5.6 bits of length left to see. What is used unless told otherwise.
    case eighths
    /// One size an octave: up to twice as large.
    case powerOfTwo = "power-of-two"

    /// Every padded plaintext but those of `none` has at least this many bytes.
    static let smallestBytes: Int64 = 4096

    /// The size P of the padded plaintext for one of `plaintextBytes`; nil if that is more than the format holds.
    package func paddedBytes(for plaintextBytes: Int64) -> Int64? {
        let trailer = Int64(SealedGeometry.trailerBytes)
        guard plaintextBytes >= 0, plaintextBytes <= SealedGeometry.paddedLimitBytes - trailer else { return nil }
        let padded = Self.keepingTrailerWhole(rounded(plaintextBytes + trailer))
        return padded <= SealedGeometry.paddedLimitBytes ? padded : nil
    }

    /// Rounds up to a multiple of the policy's share of the octave; nothing overflows, for sizes end at 2^48.
    private func rounded(_ bytes: Int64) -> Int64 {
        let dividingBits: Int
        switch self {
        case .none: return bytes
        case .sixteenths: dividingBits = 4
        case .eighths: dividingBits = 3
        case .powerOfTwo: dividingBits = 0
        }
        let size = max(bytes, Self.smallestBytes)
        let octave = Int64.bitWidth - 1 - size.leadingZeroBitCount
        let step: Int64 = 1 << (octave - dividingBits)
        return (size + step - 1) / step * step
    }

    /// A last chunk of 1…7 bytes would cut the trailer in two: it is made 8.
    private static func keepingTrailerWhole(_ bytes: Int64) -> Int64 {
        let trailer = Int64(SealedGeometry.trailerBytes)
        let last = bytes % Int64(SealedGeometry.chunkBytes)
        return (1..<trailer).contains(last) ? bytes + trailer - last : bytes
    }
}
