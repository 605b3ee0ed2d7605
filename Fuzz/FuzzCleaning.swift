import Cleaning

/// A GIF from anywhere.
func fuzzGIF(_ bytes: [UInt8]) { checkCleanedTwice(bytes, GIF.clean) }

/// A WebP or WAVE.
func fuzzRIFF(_ bytes: [UInt8]) {
    checkCleanedTwice(bytes, WebP.clean)
    checkCleanedTwice(bytes, WAV.clean)
}

/// A BMP.
func fuzzBMP(_ bytes: [UInt8]) { checkCleanedTwice(bytes, BMP.clean) }

/// A film in Matroska.
func fuzzMatroska(_ bytes: [UInt8]) { checkCleanedTwice(bytes, Matroska.clean) }

/// A film or sound of ISO's base media format.
func fuzzFilms(_ bytes: [UInt8]) { checkCleanedTwice(bytes, Film.clean) }

/// A picture of HEIF, or a sequence of them.
func fuzzHEIF(_ bytes: [UInt8]) { checkCleanedTwice(bytes) { source throws(CleaningError) in try HEIF.clean(source) } }
