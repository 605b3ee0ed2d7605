import BlobHTTP
import Blobs
import Store
import TestSupport
import Testing

@Suite struct RangeTests {
    /// What a Range field comes to for a blob of `size` bytes, as text: `whole`, `416` or the ranges served.
    private func outcome(_ field: String?, size: Int64) -> String {
        switch RangeDecision(RangeField(field), size: size) {
        case .whole: "whole"
        case .unsatisfiable: "416"
        case .parts(let parts): parts.map { "\($0.offset)-\($0.last)" }.joined(separator: ",")
        }
    }

    @Test(arguments: [
        // The examples of RFC 9110 §14.1.2, for 10,000 bytes.
        ("bytes=0-499", 10_000, "0-499"),
        ("bytes=500-999", 10_000, "500-999"),
        ("bytes=-500", 10_000, "9500-9999"),
        ("bytes=9500-", 10_000, "9500-9999"),
        ("bytes=0-0,-1", 10_000, "0-0,9999-9999"),
        ("bytes= 0-999, 4500-5499, -1000", 10_000, "0-999,4500-5499,9000-9999"),
        ("bytes=500-600,601-999", 10_000, "500-600,601-999"),
        ("bytes=500-700,601-999", 10_000, "500-700,601-999"),
        // Edges.
        ("bytes=0-0", 1, "0-0"),
        ("bytes=0-", 1, "0-0"),
        ("bytes=9-", 10, "9-9"),
        ("bytes=10-", 10, "416"),
        ("bytes=10-20", 10, "416"),
        ("bytes=0-10", 10, "0-9"),
        ("bytes=-10", 10, "0-9"),
        ("bytes=-11", 10, "0-9"),
        ("bytes=-0", 10, "416"),
        ("bytes=0-0,50-60", 10, "0-0"),
        ("bytes=50-60,70-", 10, "416"),
        // Numbers that no integer holds.
        ("bytes=0-9223372036854775807", 10, "0-9"),
        ("bytes=0-9223372036854775808", 10, "0-9"),
        ("bytes=0-18446744073709551616", 10, "0-9"),
        ("bytes=0-99999999999999999999999999999999999999999999", 10, "0-9"),
        ("bytes=9223372036854775807-", 10, "416"),
        ("bytes=9223372036854775807-9223372036854775807", 10, "416"),
        ("bytes=99999999999999999999999-99999999999999999999999", 10, "416"),
        ("bytes=99999999999999999999999-5", 10, "whole"),
        ("bytes=-9223372036854775807", 10, "0-9"),
        ("bytes=-9223372036854775808", 10, "0-9"),
        ("bytes=-99999999999999999999999999", 10, "0-9"),
        ("bytes=0000000000000000000000000000-0000000000000000000000000000001", 10, "0-1"),
        // Malformed, or another unit: as if it were not there.
        ("bytes=5-2", 10, "whole"),
        ("bytes=0-1,5-2", 10, "whole"),
        ("bytes=", 10, "whole"),
        ("bytes=,", 10, "whole"),
        ("bytes=-", 10, "whole"),
        ("bytes=--1", 10, "whole"),
        ("bytes=1", 10, "whole"),
        ("bytes=a-b", 10, "whole"),
        ("bytes=0x0-1", 10, "whole"),
        ("bytes=+0-1", 10, "whole"),
        ("bytes=0 -1", 10, "whole"),
        ("bytes=0- 1", 10, "whole"),
        ("bytes=0-1;2-3", 10, "whole"),
        ("bytes=0-1-2", 10, "whole"),
        ("bytes=٣-٤", 10, "whole"),
        ("bytes 0-1", 10, "whole"),
        ("bytes", 10, "whole"),
        ("", 10, "whole"),
        ("=0-1", 10, "whole"),
        ("items=0-1", 10, "whole"),
        (" bytes=0-1", 10, "whole"),
        // Lists may have empty members and blanks around commas; the unit's case does not matter.
        ("BYTES=0-1", 10, "0-1"),
        ("bytes=,0-1,,\t 3-4 ,", 10, "0-1,3-4"),
        // In the order asked for, not merged; but never more than there is.
        ("bytes=8-9,0-1", 10, "8-9,0-1"),
        ("bytes=0-4,5-9", 10, "0-4,5-9"),
        ("bytes=0-4,4-9", 10, "416"),
        ("bytes=0-,0-", 10, "416"),
        // Nothing of nothing.
        ("bytes=0-", 0, "416"),
        ("bytes=0-0", 0, "416"),
        ("bytes=-1", 0, "416"),
        ("bytes=junk", 0, "whole"),
    ])
    func `a Range field means what RFC 9110 §14 says`(field: String, size: Int64, expected: String) {
        #expect(outcome(field, size: size) == expected)
    }

    @Test func `an absent field is no range`() {
        #expect(outcome(nil, size: 10) == "whole")
    }

    @Test func `sixteen ranges are served, seventeen are refused`() {
        let ranges = { (count: Int64) in "bytes=" + (0..<count).map { "\($0)-\($0)" }.joined(separator: ",") }
        #expect(outcome(ranges(16), size: 100).split(separator: ",").count == 16)
        #expect(outcome(ranges(17), size: 100) == "416")
    }

    @Test func `ranges at the top of the number line never overflow`() {
        let size = Int64.max
        #expect(outcome("bytes=0-", size: size) == "0-\(size - 1)")
        #expect(outcome("bytes=-1", size: size) == "\(size - 1)-\(size - 1)")
        #expect(outcome("bytes=1-9223372036854775807", size: size) == "1-\(size - 1)")
        #expect(outcome("bytes=0-,0-,0-", size: size) == "416")
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `ten thousand made-up fields agree with a count of single bytes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2500 {
            let size = Int64.random(in: 0...12, using: &random)
            let specifiers = (0..<Int.random(in: 1...4, using: &random)).map { _ in randomSpecifier(&random) }
            let field = "bytes=" + specifiers.map(\.text).joined(separator: Bool.random(using: &random) ? "," : " , ")
            #expect(outcome(field, size: size) == oracle(specifiers, size: size), "\(field) of \(size)")
        }
    }

    private struct Guess {
        var first: Int64?
        var last: Int64?
        var text: String { "\(first.map(String.init) ?? "")-\(last.map(String.init) ?? "")" }
    }

    private func randomSpecifier(_ random: inout SeededGenerator) -> Guess {
        let number = { (random: inout SeededGenerator) in Int64.random(in: 0...14, using: &random) }
        switch Int.random(in: 0...3, using: &random) {
        case 0: return Guess(first: number(&random), last: nil)
        case 1: return Guess(first: nil, last: number(&random))
        default: return Guess(first: number(&random), last: number(&random))
        }
    }

    /// The same by listing every byte.
    private func oracle(_ specifiers: [Guess], size: Int64) -> String {
        for specifier in specifiers {
            if let first = specifier.first, let last = specifier.last, last < first { return "whole" }
        }
        let all = Array(0..<size)
        let lists = specifiers.map { specifier -> [Int64] in
            guard let first = specifier.first else { return Array(all.suffix(Int(specifier.last ?? 0))) }
            return all.filter { $0 >= first && $0 <= specifier.last ?? .max }
        }
        let served = lists.filter { !$0.isEmpty }
        guard !served.isEmpty, served.map(\.count).reduce(0, +) <= all.count else { return "416" }
        return served.map { "\($0[0])-\($0[$0.count - 1])" }.joined(separator: ",")
    }
}
