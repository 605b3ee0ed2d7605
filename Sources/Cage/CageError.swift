package import Files

/// Why a file was not decoded in the cage.
package enum CageError: Error, Hashable, Sendable, CustomStringConvertible {
    // Of this machine: another could do it

    /// A library that is not installed, and its Debian package.
    case missingLibrary(String)
    /// The system offers no cage: an error number. Nothing was decoded.
    case noCage(code: Int32)
    /// The process could not be started.
    case notStarted(FileError)

    // Of the file, or of the decoder

    /// It is compressed in a way that the library does not know: its sentence.
    case unsupported(String)
    /// The library's sentence.
    case damaged(String)
    case tooSlow(seconds: Int)
    case outOfMemory(limitBytes: Int)
    /// The decoder asked the kernel for what no decoder needs: the number of the call.
    case forbiddenCall(Int)
    /// A signal ended the decoder.
    case ended(signal: Int32)
    /// It did not keep to what it has to say and to give.
    case broken(String)

    /// Reading failed on this side.
    case file(FileError)

    package var description: String {
        switch self {
        case .missingLibrary(let name): "\(name) is not installed"
        case .noCage(let code):
            "decoders of such files run in a cage only, and this system offers none (seccomp: "
                + "\(FileError.reason(code)))"
        case .notStarted(let error): "the decoder could not be started: \(error)"
        case .unsupported(let why): why.isEmpty ? "it is compressed in a way that is not understood" : why
        case .damaged(let why): why.isEmpty ? "it is damaged" : why
        case .tooSlow(let seconds): "the decoder was ended after \(seconds) s"
        case .outOfMemory(let limit):
            "the decoder was ended when it wanted more memory than a picture of this size may take "
                + "(\(limit >> 20) MiB)"
        case .forbiddenCall(let number): "the decoder was ended when it made the system call \(number)"
        case .ended(let signal): "the decoder crashed (signal \(signal))"
        case .broken(let why): "the decoder misbehaved: \(why)"
        case .file(let error): error.description
        }
    }

    /// The file may be as it should be, and could be decoded elsewhere.
    package var isAboutThisMachine: Bool {
        switch self {
        case .missingLibrary, .noCage, .notStarted, .unsupported: true
        default: false
        }
    }
}

extension CageError {
    init(_ failure: CageFailure, _ limits: CageLimits) {
        switch failure.reason {
        case .forbiddenCall: self = .forbiddenCall(failure.number)
        case .noLibrary: self = .missingLibrary(failure.text)
        case .noCage: self = .noCage(code: Int32(truncatingIfNeeded: failure.number))
        case .outOfMemory: self = .outOfMemory(limitBytes: limits.memoryBytes)
        case .unsupported: self = .unsupported(failure.text)
        case .damaged: self = .damaged(failure.text)
        }
    }
}
