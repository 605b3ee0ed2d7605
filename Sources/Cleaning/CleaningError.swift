package import Files

/// Why a file could not be cleaned. The texts complete a sentence: "the film …".
package enum CleaningError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It ends before what it announces.
    case truncated
    /// What is wrong with it.
    case corrupt(String)
    /// What it has that is not understood, so that nothing can be taken out of it.
    case unsupported(String)
    /// More of something than any honest file has: "more than 64 tracks".
    case excessive(String)
    /// The original cannot be read.
    case file(FileError)
    /// The copy cannot be written.
    case output(FileError)

    package var description: String {
        switch self {
        case .truncated: "is cut short: it ends before what it announces"
        case .corrupt(let what): "is damaged: \(what)"
        case .unsupported(let what): "has something that is not understood: \(what)"
        case .excessive(let what): "has \(what)"
        case .file(let error): "cannot be read: \(error)"
        case .output(let error): "cannot be copied: \(error)"
        }
    }
}
