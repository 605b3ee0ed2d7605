import Objects
import Testing

@testable import Objects

@Suite struct ObjectStoreAddressTests {
    @Test(arguments: [
        // What is written; where requests go; the path of the bucket; the prefix; how it is told.
        ("https://s3.example?bucket=blobs", "https://s3.example", "/blobs/", "", "https://s3.example?bucket=blobs"),
        (
            "http://127.0.0.1:7480/?bucket=a.b-c", "http://127.0.0.1:7480", "/a.b-c/", "",
            "http://127.0.0.1:7480?bucket=a.b-c"
        ),
        (
            "http://[::1]:9/one/Two_3?style=path&bucket=abc", "http://[::1]:9", "/abc/", "one/Two_3/",
            "http://[::1]:9/one/Two_3?bucket=abc"
        ),
        (
            "https://S3.eu-west-1.amazonaws.com/x/?region=eu-west-1&style=host&bucket=abc",
            "https://abc.s3.eu-west-1.amazonaws.com", "/", "x/",
            "https://s3.eu-west-1.amazonaws.com/x?bucket=abc&region=eu-west-1&style=host"
        ),
    ])
    func `an address names a host, a bucket, and perhaps a region, a style and what all names begin with`(
        _ text: String, _ server: String, _ path: String, _ prefix: String, _ told: String
    ) throws {
        let address = try ObjectStoreAddress(parsing: text)
        #expect("\(address.server)" == server)
        #expect(address.bucketPath == path)
        #expect(address.prefix == prefix)
        #expect("\(address)" == told)
        #expect(try ObjectStoreAddress(parsing: told) == address)
    }

    @Test(arguments: [
        ("", "http"), ("s3://bucket", "http"), ("ftp://host?bucket=abc", "http"), ("https://?bucket=abc", "http"),
        ("https://user:word@host?bucket=abc", "http"), ("https://host:0?bucket=abc", "http"),
        ("https://host", "bucket"), ("https://host?", "there may be"), ("https://host?bucket", "there may be"),
        ("https://host?bucket=abc&", "there may be"), ("https://host?bucket=abc&acl=x", "there may be"),
        ("https://host?bucket=abc&bucket=abd", "twice"), ("https://host?bucket=ab", "3 to 63"),
        ("https://host?bucket=Abc", "3 to 63"), ("https://host?bucket=a/c", "3 to 63"),
        ("https://host?bucket=-bc", "3 to 63"), ("https://host?bucket=a..c", "3 to 63"),
        ("https://host?bucket=abc&region=", "region"), ("https://host?bucket=abc&region=a/b", "region"),
        ("https://host?bucket=abc&style=dns", "style"), ("https://host?bucket=a.b&style=host", "style"),
        ("https://127.0.0.1?bucket=abc&style=host", "style"), ("https://host/a//b?bucket=abc", "path"),
        ("https://host/../b?bucket=abc", "path"), ("https://host/a%20b?bucket=abc", "path"),
        ("https://host/a?bucket=abc#d", "3 to 63"),
    ])
    func `what is no address is refused in words`(_ text: String, _ word: String) {
        #expect { try ObjectStoreAddress(parsing: text) } throws: { "\($0)".contains(word) }
    }
}
