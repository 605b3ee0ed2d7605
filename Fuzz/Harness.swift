/// One way in for strangers' bytes, and what must hold whatever they are.
struct Harness: Sendable {
    /// As `scripts/fuzz` and the folder of its seeds are told it.
    let name: String
    let run: @Sendable ([UInt8]) -> Void

    static let all = [
        Harness(name: "ranges", run: fuzzRanges),
        Harness(name: "uploads", run: fuzzUploads),
        Harness(name: "dialects", run: fuzzDialects),
        Harness(name: "framing", run: fuzzFraming),
        Harness(name: "reads", run: fuzzReads),
        Harness(name: "proxies", run: fuzzProxies),
        Harness(name: "tickets", run: fuzzTickets),
        Harness(name: "slots", run: fuzzSlots),
        Harness(name: "messages", run: fuzzMessages),
        Harness(name: "links", run: fuzzLinks),
        Harness(name: "answers", run: fuzzAnswers),
        Harness(name: "blobs", run: fuzzBlobs),
        Harness(name: "endings", run: fuzzEndings),
        Harness(name: "pictures", run: fuzzPictures),
        Harness(name: "films", run: fuzzFilms),
        Harness(name: "heif", run: fuzzHEIF),
        Harness(name: "stills", run: fuzzStills),
        Harness(name: "png", run: fuzzPNG),
        Harness(name: "gif", run: fuzzGIF),
        Harness(name: "riff", run: fuzzRIFF),
        Harness(name: "bmp", run: fuzzBMP),
        Harness(name: "matroska", run: fuzzMatroska),
        Harness(name: "sound", run: fuzzSound),
        Harness(name: "profiles", run: fuzzProfiles),
        Harness(name: "objects", run: fuzzObjects),
    ]
}

/// Stops the program, which is how libFuzzer hears of a find, unless `holds`.
func check(_ holds: Bool, _ promise: String) {
    if !holds { fatalError("broken: \(promise)") }
}
