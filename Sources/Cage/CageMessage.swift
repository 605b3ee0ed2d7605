import CCage

/// One message of a caged process about itself.
///
///     1 byte   kind: H header, E end, F failure
///     4 bytes  length of the rest, little-endian
///     n bytes  H: `CageHeader`; E: nothing; F: `CageFailure`
///
/// A process that decodes writes H, the rows of pixels into their own pipe, then E. At any time it may write F instead.
/// The filter's handler writes an F of its own (`walls.c`).
enum CageMessage: Hashable, Sendable {
    case header([UInt8])
    /// Everything was written, and all of the picture is valid.
    case fine
    case failure(CageFailure)

    /// Bytes of kind and length.
    static let startBytes = 5

    /// The kind and the length of what follows; nil for what no message begins with.
    static func start(_ bytes: [UInt8]) -> (kind: UInt8, count: Int)? {
        guard bytes.count == startBytes else { return nil }
        let count = bytes[...].littleEndian(4, at: 1)
        switch bytes[0] {
        case UInt8(ascii: "H") where count <= CageHeader.profileLimitBytes + 64: return (bytes[0], count)
        case UInt8(ascii: "E") where count == 0: return (bytes[0], count)
        case UInt8(ascii: "F") where count <= CageFailure.limitBytes: return (bytes[0], count)
        default: return nil
        }
    }

    /// Nil for a failure that says nothing.
    init?(kind: UInt8, _ payload: [UInt8]) {
        switch kind {
        case UInt8(ascii: "H"): self = .header(payload)
        case UInt8(ascii: "E"): self = .fine
        case UInt8(ascii: "F"):
            guard let failure = CageFailure(payload) else { return nil }
            self = .failure(failure)
        default: return nil
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .header(let payload): Self.framed("H", payload)
        case .fine: Self.framed("E", [])
        case .failure(let failure): Self.framed("F", failure.bytes)
        }
    }

    private static func framed(_ kind: Unicode.Scalar, _ payload: [UInt8]) -> [UInt8] {
        [UInt8(ascii: kind)] + littleEndianBytes(payload.count, 4) + payload
    }
}

/// Why a caged process gives up.
///
///     1 byte   reason
///     4 bytes  a number: of the call, or of the error
///     n bytes  a text, printable ASCII
package struct CageFailure: Error, Hashable, Sendable {
    package enum Reason: UInt8, Sendable {
        /// It asked the kernel for something that is not allowed: the number of the call.
        case forbiddenCall = 1
        /// A library is not installed: its name, and its Debian package.
        case noLibrary = 2
        /// The cage cannot be shut: an error number.
        case noCage = 3
        case outOfMemory = 4
        /// The library's sentence about what it does not decode.
        case unsupported = 5
        /// The library's sentence about what is wrong.
        case damaged = 6
    }

    package let reason: Reason
    package let number: Int
    package let text: String

    static let limitBytes = 512
    private static let textLimit = 200

    package init(_ reason: Reason, number: Int = 0, text: String = "") {
        (self.reason, self.number) = (reason, number)
        let printable = text.utf8.prefix(Self.textLimit).filter { (0x20..<0x7F).contains($0) }
        self.text = String(decoding: printable, as: UTF8.self)
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 5, let reason = Reason(rawValue: bytes[0]) else { return nil }
        self.init(
            reason, number: bytes[...].littleEndian(4, at: 1), text: String(decoding: bytes[5...], as: UTF8.self))
    }

    var bytes: [UInt8] { [reason.rawValue] + littleEndianBytes(number, 4) + Array(text.utf8) }
}
