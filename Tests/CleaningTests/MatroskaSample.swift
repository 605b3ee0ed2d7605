/// Films in Matroska, made element by element.
enum MatroskaSample {
    private typealias S = SoundSamples

    static func element(_ id: UInt32, _ content: [UInt8]) -> [UInt8] { identifier(id) + size(content.count) + content }
    static func element(_ id: UInt32, _ text: String) -> [UInt8] { element(id, Array(text.utf8)) }
    static func element(_ id: UInt32, _ number: Int, bytes: Int = 1) -> [UInt8] { element(id, S.big(number, bytes)) }

    static func identifier(_ id: UInt32) -> [UInt8] {
        Array(S.big(Int(id), 4).drop { $0 == 0 })
    }

    static func size(_ count: Int) -> [UInt8] {
        count < 0x7F ? [UInt8(0x80 | count)] : [0x10 | UInt8(count >> 24)] + S.big(count & 0xFF_FFFF, 3)
    }

    /// As a Void element that has as many bytes as `element`.
    static func void(_ element: [UInt8]) -> [UInt8] {
        let count = element.count
        if count <= 128 { return [0xEC, UInt8(0x80 | count - 2)] + S.zeros(count - 2) }
        return [0xEC, 1] + S.big(count - 9, 7) + S.zeros(count - 9)
    }

    static func header(_ type: String = "matroska", more: [UInt8] = []) -> [UInt8] {
        element(
            0x1A45_DFA3,
            S.join(
                element(0x4286, 1), element(0x42F7, 1), element(0x42F2, 4), element(0x42F3, 8), element(0x4282, type),
                more))
    }

    /// Duration 2,000 ms.
    static let duration = element(0x4489, S.big(Int(Double(2000).bitPattern), 8))
    static let scale = element(0x2AD7B1, 1_000_000, bytes: 3)

    static func video(_ more: [UInt8] = [], number: Int = 1, uid: [UInt8] = [0, 0, 0, 1], inside: [UInt8] = [])
        -> [UInt8]
    {
        let picture = element(0xE0, S.join(element(0xB0, 320, bytes: 2), element(0xBA, 240, bytes: 2), inside))
        return element(
            0xAE,
            S.join(element(0xD7, number), element(0x73C5, uid), element(0x83, 1), element(0x86, "V_VP8"), picture, more)
        )
    }

    static func track(_ number: Int, type: Int, codec: String, _ more: [UInt8] = []) -> [UInt8] {
        element(
            0xAE,
            S.join(element(0xD7, number), element(0x73C5, number), element(0x83, type), element(0x86, codec), more))
    }

    static func simpleBlock(_ track: UInt8, at time: Int, _ content: String = "frame") -> [UInt8] {
        element(0xA3, S.join([0x80 | track], S.big(time, 2), [0x80], Array(content.utf8)))
    }

    static func block(_ track: UInt8, at time: Int, _ more: [UInt8] = []) -> [UInt8] {
        element(0xA0, S.join(element(0xA1, S.join([0x80 | track], S.big(time, 2), [0], S.ascii("frame"))), more))
    }

    static func cluster(_ content: [UInt8]...) -> [UInt8] {
        element(0x1F43_B675, element(0xE7, 0) + content.flatMap { $0 })
    }

    static func info(_ more: [UInt8]...) -> [UInt8] {
        element(0x1549_A966, S.join(scale, duration, more.flatMap { $0 }))
    }

    static func tracks(_ tracks: [UInt8]...) -> [UInt8] { element(0x1654_AE6B, tracks.flatMap { $0 }) }

    static func film(_ parts: [UInt8]..., header: [UInt8] = header()) -> [UInt8] {
        header + element(0x1853_8067, parts.flatMap { $0 })
    }
}
