package import Blobs
import OriginLink

/// Where an object store keeps this store's objects: `https://host[:port][/prefix]?bucket=…[&region=…][&style=path|host]`.
/// The names of all objects begin with the prefix; the region is `us-east-1` where none is given.
package struct ObjectStoreAddress: Hashable, Sendable, CustomStringConvertible {
    /// How a URL names the bucket.
    package enum Style: String, Sendable {
        /// As the first part of the path.
        case path
        /// As the first part of the host.
        case host
    }

    /// Why a text is no address.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Where the store is, without the bucket.
    package let origin: HTTPOrigin
    package let bucket: String
    package let region: String
    package let style: Style
    /// What all names begin with: empty, or with a slash at its end.
    package let prefix: String

    package init(parsing text: String) throws(Failure) {
        let question = text.firstIndex(of: "?") ?? text.endIndex
        // The address of an origin is read strictly already, and its path is what is put before all names here.
        guard let address = OriginAddress(String(text[..<question])) else {
            throw Failure(description: "it has to begin with http:// or https:// and a host")
        }
        var values: [Substring: String] = [:]
        for pair in text[question...].dropFirst().split(separator: "&", omittingEmptySubsequences: false) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, ["bucket", "region", "style"].contains(parts[0]) else {
                throw Failure(description: "behind ? there may be bucket=, region= and style=, with & between them")
            }
            guard values.updateValue(String(parts[1]), forKey: parts[0]) == nil else {
                throw Failure(description: "it says \(parts[0])= twice")
            }
        }
        guard let style = Style(rawValue: values["style"] ?? "path") else {
            throw Failure(description: "style is path or host")
        }
        guard let bucket = values["bucket"] else { throw Failure(description: "it names no bucket (?bucket=…)") }
        let region = values["region"] ?? "us-east-1"
        try self.init(origin: address.origin, path: address.path, bucket: bucket, region: region, style: style)
    }

    private init(origin: HTTPOrigin, path: String, bucket: String, region: String, style: Style) throws(Failure) {
        guard Self.isBucket(bucket) else {
            throw Failure(description: "a bucket's name is 3 to 63 of a-z, 0-9, . and -")
        }
        guard !region.isEmpty, region.utf8.count <= 64, region.utf8.allSatisfy(Self.isPlain) else {
            throw Failure(description: "a region's name is letters, digits and -")
        }
        // A certificate for all buckets vouches for one more label, and an address has no names below it.
        if style == .host, bucket.contains(".") || IPAddress(origin.host) != nil {
            throw Failure(description: "style=host takes a host with a name, and a bucket without dots")
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let arePlain = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { Self.isPlain($0) || $0 == 0x5f }
        }
        guard path.utf8.count <= 256, arePlain else {
            throw Failure(description: "the path in front of all names is letters, digits, ., - and _ between slashes")
        }
        self.origin = origin
        self.bucket = bucket
        self.region = region
        self.style = style
        prefix = parts.map { "\($0)/" }.joined()
    }

    /// A bucket as all kinds of stores take it.
    private static func isBucket(_ name: String) -> Bool {
        let isEnd = { (byte: UInt8) in isPlain(byte) && byte != UInt8(ascii: "-") && byte != UInt8(ascii: ".") }
        return (3...63).contains(name.utf8.count) && name == name.lowercased() && name.utf8.allSatisfy(isPlain)
            && name.utf8.first.map(isEnd) == true && name.utf8.last.map(isEnd) == true && !name.contains("..")
    }

    /// A letter, a digit, a dot or a dash: written in a URL as they are.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    /// Where requests go.
    var server: HTTPOrigin {
        style == .path
            ? origin : HTTPOrigin(scheme: origin.scheme, host: "\(bucket).\(origin.host)", port: origin.port)
    }

    /// The path of the bucket, with a slash at its end.
    var bucketPath: String { style == .path ? "/\(bucket)/" : "/" }

    /// As it is read, in its shortest form.
    package var description: String {
        let path = prefix.isEmpty ? "" : "/\(prefix.dropLast())"
        let region = region == "us-east-1" ? "" : "&region=\(region)"
        return "\(origin)\(path)?bucket=\(bucket)\(region)\(style == .path ? "" : "&style=host")"
    }
}
