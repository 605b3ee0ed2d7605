import Files
import Imaging
import MediaClient
import MediaMessage
import Sealing
import Transfer

/// How the program ends when something went wrong: a sentence, and one of sysexits.h's codes or of our own.
struct Ending: Error {
    let sentence: String
    let code: Int32

    init(_ sentence: String, _ code: Int32) {
        self.sentence = sentence
        self.code = code
    }

    // Satchel's own
    static let gone: Int32 = 3
    static let notFound: Int32 = 4
    static let wrongDigest: Int32 = 5
    static let wrongKey: Int32 = 6
    static let refused: Int32 = 7
    // As in sysexits.h
    static let usage: Int32 = 64
    static let badData: Int32 = 65
    static let noInput: Int32 = 66
    static let noNetwork: Int32 = 69
    static let software: Int32 = 70
    static let cannotCreate: Int32 = 73
    static let outputFailed: Int32 = 74
    static let tryLater: Int32 = 75
    static let badAnswer: Int32 = 76
    static let hostNotAllowed: Int32 = 77
    static let badSettings: Int32 = 78

    static let help = """
        Exit codes: 0 done, 3 the file is gone (410; the reason is said), 4 the server has never held it (404), or it \
        was not sent from here, 5 what \
        came is not the file (digest), 6 the key does not open it, 7 the server refuses (ticket, size, lifetime …). \
        As in sysexits.h: 64 wrong usage, 65 a message, picture or blob that is no such thing, 66 an input that \
        cannot be read, 69 dead network, 70 a fault of a library, 73 an output that cannot be made or is there \
        already, 74 an output or state file that cannot be written, 75 the server is busy or full, or another satchel \
        is at it: try later, 76 the \
        server's answer makes no sense, 77 the message leads to a place that is not allowed, 78 wrong settings.
        """

    /// The ending of one of our own errors; nil for those of the argument parser.
    init?(_ error: any Error) {
        switch error {
        case let ending as Ending: self = ending
        case let error as MediaClientError: self.init(error.description, Self.code(error))
        case let error as SettingError:
            self.init(error.description, error.origin == .flag ? Self.usage : Self.badSettings)
        case let error as MessageError: self.init(error.description, Self.badData)
        case let error as FileError: self.init(error.description, Self.outputFailed)
        default: return nil
        }
    }

    /// The same with the name of the file that it is about, unless that is said already.
    func about(_ name: String) -> Ending { sentence.contains(name) ? self : Ending("\(name): \(sentence)", code) }

    private static func code(_ error: MediaClientError) -> Int32 {
        switch error {
        case .configuration: badSettings
        case .message: badData
        case .input: noInput
        case .exists, .output: cannotCreate
        case .state: outputFailed
        case .picture(let error): code(error)
        case .sealing(let error): code(error)
        case .hostNotAllowed, .unprotected, .redirect, .transfer(.refusedAddress): hostNotAllowed
        case .transfer(let error): code(error)
        case .refused(let refusal, _): code(refusal)
        case .gone: gone
        case .notFound: notFound
        case .wrongDigest: wrongDigest
        case .wrongKey: wrongKey
        case .notSent, .notInOutbox: notFound
        case .outboxBusy: tryLater
        case .ambiguous: usage
        case .notReproducible: badData
        case .answer: badAnswer
        }
    }

    private static func code(_ error: ImagingError) -> Int32 {
        if case .file = error { outputFailed } else { badData }
    }

    private static func code(_ error: SealingError) -> Int32 {
        switch error {
        case .file: outputFailed
        case .notAFile, .plaintextChanged, .tooLarge: noInput
        default: badData
        }
    }

    private static func code(_ error: TransferError) -> Int32 {
        switch error {
        case .unresolved, .unreachable, .cut, .stalled, .untrusted: noNetwork
        case .refusedAddress: hostNotAllowed
        case .answerTooLong, .malformedAnswer: badAnswer
        case .file: outputFailed
        case .library: software
        }
    }

    private static func code(_ refusal: Refusal) -> Int32 {
        switch refusal.status {
        case 429, 500...: tryLater
        case 401, 403, 413: refused
        default: refusal.code == nil ? badAnswer : refused
        }
    }
}
