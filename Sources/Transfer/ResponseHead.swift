/// Collects the head of an answer line by line; a new status line begins anew, so that interim answers fall away.
struct ResponseHead {
    /// Bytes of all lines together.
    static let limitBytes = 64 * 1024

    private(set) var response = HTTPResponse(status: 0)
    private var byteCount = 0

    /// Takes the next line, ending included. False when it is malformed or the head too long.
    mutating func take(_ line: [UInt8]) -> Bool {
        byteCount += line.count
        guard byteCount <= Self.limitBytes else { return false }
        let text = String(decoding: line, as: UTF8.self).trimmingEnding()
        if text.isEmpty { return true }
        if text.hasPrefix("HTTP/") { return begin(text) }
        guard let colon = text.firstIndex(of: ":") else { return false }
        let value = text[text.index(after: colon)...].trimmingBlanks()
        response.fields.append(HTTPField(text[..<colon].lowercased(), String(value)))
        return true
    }

    private mutating func begin(_ statusLine: Substring) -> Bool {
        let parts = statusLine.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[1].utf8.count == 3, let status = Int(parts[1]), status >= 100 else {
            return false
        }
        response = HTTPResponse(status: status)
        return true
    }
}

/// What a `Content-Range` field says (RFC 9110 §14.4): `bytes 5-9/10` is an offset of 5 and a size of 10.
package struct ContentRange: Hashable, Sendable {
    package let offset: Int64
    package let last: Int64
    package let size: Int64

    /// Nil for another unit, an unknown size, or numbers that contradict each other.
    package init?(_ text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
        let numbers = parts[1].split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "/" }.map(Self.number)
        guard numbers.count == 3, let offset = numbers[0], let last = numbers[1], let size = numbers[2],
            offset <= last, last < size
        else { return nil }
        self.offset = offset
        self.last = last
        self.size = size
    }

    private static func number(_ digits: Substring) -> Int64? {
        digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(digits) : nil
    }
}

extension String {
    fileprivate func trimmingEnding() -> Substring {
        self[...].dropLast { $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> Substring {
        drop { $0 == " " || $0 == "\t" }.dropLast { $0 == " " || $0 == "\t" }
    }

    fileprivate func dropLast(while condition: (Character) -> Bool) -> Substring {
        var rest = self
        while let last = rest.last, condition(last) { rest.removeLast() }
        return rest
    }
}
