import Blobs
import Testing

@Suite struct HTTPDateTests {
    @Test(
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_164_799, "Wed, 28 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (.max, "Fri, 31 Dec 9999 23:59:59 GMT"), (.min, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] as [(Int64, String)])
    func `dates are written as RFC 9110 §5.6.7 has them`(seconds: Int64, expected: String) {
        #expect(HTTPDate.format(Timestamp(seconds: seconds)) == expected)
    }

    @Test func `a date is read as it is written, and no other text is`() {
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == Timestamp(seconds: 784_111_777))
        for text in [
            "", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:60 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        ] {
            #expect(HTTPDate.parse(text) == nil)
        }
    }

    @Test func `logs, and names of objects, have dates of their own form`() {
        #expect(HTTPDate.logged(Timestamp(seconds: 784_111_777)) == "1994-11-06T08:49:37Z")
        #expect(HTTPDate.basic(Timestamp(seconds: 784_111_777)) == "19941106T084937Z")
        #expect(HTTPDate.basic(Timestamp(seconds: .max)) == "99991231T235959Z")
    }
}
