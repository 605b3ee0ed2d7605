import TestSupport
import Testing

@testable import Cleaning

@Suite struct CyclicCheckTests {
    /// What the sum of `123456789` is (Greg Cook's catalogue of CRC algorithms: ISO-HDLC, ARC, and two without a name).
    @Test(
        arguments: [
            ("PNG", .png, ~0, ~0, [0x26, 0x39, 0xF4, 0xCB]), ("LAME", .lame, 0, 0, [0x3D, 0xBB, 0, 0]),
            ("FLAC", .flac, 0, 0, [0xFE, 0xE8, 0, 0]), ("Ogg", .ogg, 0, 0, [0x89, 0xA1, 0x89, 0x7F]),
        ] as [(String, CyclicPolynomial, UInt32, UInt32, [UInt8])])
    func `the sum of nine digits is known`(
        _: String, polynomial: CyclicPolynomial, start: UInt32, mask: UInt32, sum: [UInt8]
    ) {
        var check = CyclicCheck(polynomial, from: start)
        check.add(Array("123456789".utf8)[...])
        #expect((check.state ^ mask).littleEndianBytes == sum)
    }

    @Test(arguments: [CyclicPolynomial.png, .lame, .ogg, .flac])
    func `the sum is the same however bytes come`(polynomial: CyclicPolynomial) {
        var random = SeededGenerator(seed: 1)
        let bytes = random.bytes(10_000)
        for count in [0, 1, 15, 16, 17, 1023, 2047, 2048, 2049, 4096, 6200, 9999] {
            var whole = CyclicCheck(polynomial, from: 7)
            whole.add(bytes[1..<1 + count])
            var single = CyclicCheck(polynomial, from: 7)
            for index in 1..<1 + count { single.add(bytes[index...index]) }
            #expect(whole.state == single.state, "\(count) bytes")
        }
    }

    @Test func `two bytes are found wherever they are`() {
        for place in 0..<40 {
            var bytes = [UInt8](repeating: 0xFF, count: 42)
            bytes[place + 1] = 0xF8
            #expect(bytes[...].firstPlace(of: [0xFF, 0xF8]) == place)
            #expect(bytes[(place + 1)...].firstPlace(of: [0xFF, 0xF8]) == nil)
            #expect(bytes[place...place].firstPlace(of: [0xFF, 0xF8]) == nil)
        }
        #expect([UInt8]()[...].firstPlace(of: [1, 2]) == nil)
    }
}

extension UInt32 {
    fileprivate var littleEndianBytes: [UInt8] { bigEndianBytes.reversed() }
}
