package import Blobs

/// A duration as a person writes it, always with its unit: a number alone could be seconds, or days.
package enum WrittenDuration {
    /// Why a text is none.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    package static func parse(_ text: String) throws(Refusal) -> Lifetime {
        let hasUnit = text.utf8.contains { !(0x30...0x39).contains($0) }
        let number = hasUnit ? text.dropLast() : text[...]
        guard number.isEmpty || !number.utf8.allSatisfy({ $0 == 0x30 }) else {
            throw Refusal(description: "\(text) is no time at all; the shortest duration is 1s")
        }
        guard let duration = Lifetime(text) else {
            throw Refusal(description: "\(text) is not a duration, such as 12h or 30d; units are s, m, h, d, w and y")
        }
        guard hasUnit else {
            throw Refusal(description: "\(text) has no unit: write \(text)d for days; units are s, m, h, d, w and y")
        }
        return duration
    }
}
