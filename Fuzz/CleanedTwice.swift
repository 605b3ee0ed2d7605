import Cleaning
import Files

/// A file of any format that is cleaned: it ends in an error that says something, or in a copy that is as long as it
/// says, in which nothing is found any more, and which another cleaning does not change.
func checkCleanedTwice(_ bytes: [UInt8], _ clean: (SourceBytes) throws(CleaningError) -> CleanedFile) {
    guard let (file, once) = cleaned(bytes, clean) else { return }
    guard let (again, twice) = cleaned(once, clean) else {
        check(false, "what came out can be read again")
        return
    }
    check(again.removed.isEmpty, "nothing is left that tells of the sender, but \(again.removed)")
    check(again.seconds == file.seconds, "a copy is as long as its original")
    check(
        again.size?.width == file.size?.width && again.size?.height == file.size?.height,
        "a copy is as large as its original")
    check(once == twice, "what came out is clean")
}

/// The copy's description and bytes; nil where the file is refused.
private func cleaned(
    _ bytes: [UInt8], _ clean: (SourceBytes) throws(CleaningError) -> CleanedFile
) -> (file: CleanedFile, bytes: [UInt8])? {
    do {
        let input = try OpenFile.unnamed(in: "/dev/shm")
        try input.write(bytes, at: 0)
        let output = try OpenFile.unnamed(in: "/dev/shm")
        let file = try clean(try SourceBytes(input))
        try file.copy.write(from: input, to: output)
        var result = [UInt8](repeating: 0, count: Int(try output.size()))
        check(try output.read(into: &result, at: 0) == Int(file.copy.size), "a copy is as long as it says")
        return (file, result)
    } catch let error as CleaningError {
        switch error {
        case .file, .output: preconditionFailure("the harness cannot work: \(error)")
        case .truncated, .corrupt, .unsupported, .excessive: break
        }
        check(!"\(error)".isEmpty, "every error says something")
        return nil
    } catch {
        preconditionFailure("the harness cannot work: \(error)")
    }
}
