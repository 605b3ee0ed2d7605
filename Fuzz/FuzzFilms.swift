import Cleaning
import Files

/// A film or sound of ISO's base media format from anywhere: what is accepted is clean.
func fuzzFilms(_ bytes: [UInt8]) {
    checkCleaning(bytes) { source throws(CleaningError) in try Film.clean(source) }
}

/// A picture of HEIF, or a sequence of them.
func fuzzHEIF(_ bytes: [UInt8]) {
    checkCleaning(bytes) { source throws(CleaningError) in
        try HEIF.clean(source) { profile in
            switch CleanProfile(profile[...], of: .rgb).replacement {
            case .rebuilt(let new): (new, new == profile ? [] : [.profile])
            default: (nil, [])
            }
        }
    }
}

/// Cleaning ends in an error, or in a copy that another cleaning leaves as it is and finds nothing in.
private func checkCleaning(
    _ bytes: [UInt8], _ clean: (SourceBytes) throws(CleaningError) -> CleanedFile
) {
    do {
        let input = try scratch(bytes)
        guard let once = cleaned(input, clean) else { return }
        let copy = try scratch()
        try write(once, from: input, to: copy)
        guard let twice = cleaned(copy, clean) else { return check(false, "what came out can be read again") }
        check(twice.removed.isEmpty, "nothing is left that is told to be removed: \(twice.removed)")
        check(twice.seconds == once.seconds, "a copy is as long as its original")
        check(
            twice.size?.width == once.size?.width && twice.size?.height == once.size?.height,
            "a copy is as large as its original")
        let again = try scratch()
        try write(twice, from: copy, to: again)
        check(try contents(of: again) == contents(of: copy), "a clean file does not change")
    } catch {
        preconditionFailure("the harness cannot work: \(error)")
    }
}

private func cleaned(
    _ input: borrowing OpenFile, _ clean: (SourceBytes) throws(CleaningError) -> CleanedFile
) -> CleanedFile? {
    do throws(CleaningError) {
        return try clean(try SourceBytes(input))
    } catch {
        check(!"\(error)".isEmpty, "every error says something")
        return nil
    }
}

/// Sizes of copies are checked against what was promised.
private func write(
    _ file: CleanedFile, from input: borrowing OpenFile, to output: borrowing OpenFile
) throws(FileError) {
    do throws(CleaningError) { try file.copy.write(from: input, to: output) } catch {
        check(false, "a copy can be written: \(error)")
    }
    check(try output.size() == file.copy.size, "a copy has the size that was told")
}
