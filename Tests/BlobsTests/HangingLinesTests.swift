import Blobs
import Testing

@Suite struct HangingLinesTests {
    @Test func `further lines begin below the first word, and no word is broken`() {
        let words = ["one", "two", "(default: three four)", "five", "a-word-of-more-than-all-columns"]
        #expect(
            hangingLines("  7  ", words, columns: 26) == """
                  7  one two
                     (default: three four)
                     five
                     a-word-of-more-than-all-columns
                """)
        #expect(hangingLines("  7  ", [String](), columns: 26) == "  7  ")
        #expect(hangingLines("", "a b".split(separator: " "), columns: 3) == "a b")
        #expect(hangingLines("", "a b".split(separator: " "), columns: 2) == "a\nb")
    }
}
