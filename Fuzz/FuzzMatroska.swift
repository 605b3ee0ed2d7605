import Cleaning

/// A film in Matroska from anywhere.
func fuzzMatroska(_ bytes: [UInt8]) { checkCleanedTwice(bytes, Matroska.clean) }
