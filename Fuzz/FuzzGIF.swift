import Cleaning

/// A GIF from anywhere.
func fuzzGIF(_ bytes: [UInt8]) { checkCleanedTwice(bytes, GIF.clean) }
