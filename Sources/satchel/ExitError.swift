import Blobs
import Files
import Imaging
import MediaClient
import MediaMessage
import Sealing
import Transfer

/// The exit codes: Satchel's own from 3, those of sysexits.h from 64.
enum ExitCode: Int32, CaseIterable {
    case success = 0
    case gone = 3
    case notFound = 4
    case wrongDigest = 5
    case wrongKey = 6
    case refused = 7
    case unwell = 8
    case usage = 64
    case badData = 65
    case noInput = 66
    case noNetwork = 69
    case software = 70
    case cannotCreate = 73
    case outputFailed = 74
    case tryLater = 75
    case badAnswer = 76
    case notAllowed = 77
    case badSettings = 78

    var meaning: String {
        switch self {
        case .success: "success"
        case .gone: "the server no longer has the file (410); the reason is shown"
        case .notFound: "the server does not have the file (404), or it was not sent from here"
        case .wrongDigest: "the downloaded file is not the one in the message or link, or a page is not known"
        case .wrongKey: "the key in the message does not open the file"
        case .refused: "the server refused the request (ticket, size, lifetime …)"
        case .unwell: "`satchel doctor` found something that must be done"
        case .usage: "wrong usage of the command line"
        case .badData: "an invalid message, slot, picture, film, sound or sealed blob, or one that cannot be cleaned"
        case .noInput: "an input file cannot be read"
        case .noNetwork: "the network or the server cannot be reached"
        case .software: "an error in a library"
        case .cannotCreate: "an output file exists already or cannot be created"
        case .outputFailed: "an output file or the state folder cannot be written"
        case .tryLater: "server busy or full, or another satchel process at work: try later"
        case .badAnswer: "unexpected response from the server"
        case .notAllowed: "the message points to a host, or to a size, that is not allowed"
        case .badSettings: "invalid settings"
        }
    }

    /// A line for each code.
    static var table: String {
        allCases.map {
            hangingLines("  \($0.rawValue < 10 ? " " : "")\($0.rawValue)  ", $0.meaning.split(separator: " "))
        }.joined(separator: "\n")
    }
}

/// Why the program ends: a sentence and an exit code.
struct ExitError: Error {
    let sentence: String
    let code: ExitCode

    /// Nobody reads the output any more, and nothing was lost by that: there is nothing to say.
    let isUnread: Bool

    init(_ sentence: String, _ code: ExitCode, isUnread: Bool = false) {
        self.sentence = sentence
        self.code = code
        self.isUnread = isUnread
    }

    /// What was to go to standard output, or to a pipe, could not be written.
    init(output error: FileError) {
        self.init("cannot write to standard output: \(error)", .outputFailed, isUnread: error.isUnread)
    }

    /// For our own errors; nil for those of the argument parser.
    init?(_ error: any Error) {
        switch error {
        case let error as ExitError: self = error
        case MediaClientError.output(let error) where error.isUnread: self.init(output: error)
        case let error as MediaClientError: self.init(error.description, Self.code(error))
        case let error as SettingError: self.init(error.description, error.origin == .flag ? .usage : .badSettings)
        case let error as MessageError: self.init(error.description, .badData)
        case let error as FileError: self.init(error.description, .outputFailed)
        default: return nil
        }
    }

    /// The same with the name of the file that it concerns, unless the sentence has it already.
    func about(_ name: String) -> ExitError {
        sentence.contains(name) ? self : ExitError("\(name): \(sentence)", code, isUnread: isUnread)
    }

    private static func code(_ error: MediaClientError) -> ExitCode {
        switch error {
        case .configuration: .badSettings
        case .message: .badData
        case .input: .noInput
        case .inputIsFolder, .endlessInput: .noInput
        case .exists, .notWritable, .output: .cannotCreate
        case .state: .outputFailed
        case .picture(let error), .damagedPicture(let error): code(error)
        case .cleaning, .uncleanable, .unrecognized: .badData
        case .sealing(let error): code(error)
        case .hostNotAllowed, .tooLarge, .tooLargeForLink, .unprotected, .redirect, .transfer(.refusedAddress),
            .transfer(.refusedName):
            .notAllowed
        case .transfer(let error): code(error)
        case .refused(let problem, _): code(problem)
        case .gone: .gone
        case .notFound: .notFound
        case .slotRefused: .refused
        case .slot: .badData
        case .wrongDigest, .wrongTag: .wrongDigest
        case .wrongKey: .wrongKey
        case .notSent, .notInOutbox: .notFound
        case .outboxBusy: .tryLater
        case .ambiguous: .usage
        case .notReproducible: .badData
        case .answer: .badAnswer
        }
    }

    private static func code(_ error: ImagingError) -> ExitCode {
        if case .file = error { .outputFailed } else { .badData }
    }

    private static func code(_ error: SealingError) -> ExitCode {
        switch error {
        case .file: .outputFailed
        case .notAFile, .plaintextChanged, .tooLarge: .noInput
        case .cipher: .software
        default: .badData
        }
    }

    private static func code(_ error: TransferError) -> ExitCode {
        switch error {
        case .unresolved, .unreachable, .cut, .stalled, .tooSlow, .untrusted, .notTLS: .noNetwork
        case .refusedAddress, .refusedName: .notAllowed
        case .answerTooLong, .malformedAnswer: .badAnswer
        case .file: .outputFailed
        case .library: .software
        }
    }

    private static func code(_ problem: ServerProblem) -> ExitCode {
        switch problem.status {
        case 429, 500...: .tryLater
        case 401, 403, 413: .refused
        default: problem.code == nil ? .badAnswer : .refused
        }
    }
}
