/// Breaks pictures by hand.
enum BrokenJPEG {
    /// What must never leave: it stands where a decoder passes over it.
    static let secret = Array("GPS 52.5200 N 13.4050 E, serial number 0815".utf8)

    /// Where the coded data of the first scan begins.
    static func dataStart(_ picture: [UInt8]) -> Int {
        guard let payload = JPEGBytes.payload(of: 0xDA, in: picture) else { return 0 }
        return payload - 2 + Int(picture[payload - 2]) << 8 + Int(picture[payload - 1])
    }

    /// A place inside the coded data of a picture of one scan, so many percent behind its start, and between two of
    /// its bytes.
    static func place(_ percent: Int, in picture: [UInt8]) -> Int {
        let start = dataStart(picture)
        var place = start + (picture.count - 2 - start) * percent / 100
        while picture[place - 1] == 0xFF { place -= 1 }
        return place
    }

    static func cut(_ picture: [UInt8], at percent: Int) -> [UInt8] {
        Array(picture.prefix(place(percent, in: picture)))
    }

    static func inserting(_ bytes: [UInt8], at place: Int, into picture: [UInt8]) -> [UInt8] {
        Array(picture[..<place]) + bytes + picture[place...]
    }

    static func withoutEnd(_ picture: [UInt8]) -> [UInt8] { Array(picture.dropLast(2)) }

    /// Where the marker of the first segment with this code stands.
    static func marker(_ code: UInt8, in picture: [UInt8]) -> Int {
        (JPEGBytes.payload(of: code, in: picture) ?? 4) - 4
    }

    /// Where the markers with these two bytes stand, from the start of the coded data on.
    static func markers(_ code: UInt8, in picture: [UInt8]) -> [Int] {
        (dataStart(picture)..<picture.count - 1).filter { picture[$0] == 0xFF && picture[$0 + 1] == code }
    }

    /// The restart with this number, counted from 0.
    static func restart(_ number: Int, in picture: [UInt8]) -> Int {
        markers(0xD0 + UInt8(number), in: picture).first ?? 0
    }

    /// The scans of a picture, each with its segments in front and its data.
    static func scans(_ picture: [UInt8]) -> [Range<Int>] {
        let all = [marker(0xDA, in: picture)] + markers(0xDA, in: picture)
        return all.indices.map { index in
            var end = index + 1 < all.count ? all[index + 1] : picture.count - 2
            // Tables of the next scan do not belong to this one.
            let data = all[index] + 2 + Int(picture[all[index] + 2]) << 8 + Int(picture[all[index] + 3])
            end = (data..<end).first { picture[$0] == 0xFF && picture[$0 + 1] == 0xC4 } ?? end
            return all[index]..<end
        }
    }

    static func without(_ range: Range<Int>, in picture: [UInt8]) -> [UInt8] {
        Array(picture[..<range.lowerBound] + picture[range.upperBound...])
    }

    /// The picture without all segments of this code in front of its data.
    static func without(_ code: UInt8, in picture: [UInt8]) -> [UInt8] {
        var picture = picture
        while let payload = JPEGBytes.payload(of: code, in: picture), payload < dataStart(picture) {
            let length = Int(picture[payload - 2]) << 8 + Int(picture[payload - 1])
            picture.removeSubrange(payload - 4..<payload - 2 + length)
        }
        return picture
    }

    static func setting(_ byte: UInt8, at place: Int, in picture: [UInt8]) -> [UInt8] {
        var picture = picture
        picture[place] = byte
        return picture
    }
}
