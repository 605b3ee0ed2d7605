import Cleaning

/// A WebP or WAVE from anywhere.
func fuzzRIFF(_ bytes: [UInt8]) {
    checkCleanedTwice(bytes, WebP.clean)
    checkCleanedTwice(bytes, WAV.clean)
}
