import Blobs

/// What is written in XML between this process and an S3-compatible store. A document that is not what was asked for is
/// nonsense.
enum S3Document {
    /// The code in an error's document, such as `NoSuchKey`; nil where `body` is none.
    static func errorCode(_ body: [UInt8]) -> String? {
        guard let root = try? XMLReader.read(body), root.name == "Error", let code = root["Code"]?.text else {
            return nil
        }
        return isWord(code) ? code : nil
    }

    /// What a listing says (ListObjectsV2) that was to begin behind `after`, of names that begin with `prefix` and, behind
    /// that, with `folder`. The prefix is left out of the names.
    static func listing(
        _ body: [UInt8], prefix: String, folder: String, after: String?
    ) throws(RetryRule.Failure) -> ObjectListing {
        let root = try read(body, as: "ListBucketResult")
        let isEncoded = root["EncodingType"]?.text == "url"
        var entries: [ListedObject] = []
        var last = after
        for content in root.all("Contents") {
            guard let key = content["Key"]?.text,
                let size = content["Size"].flatMap({ SaturatingDigits.parse($0.text) }),
                let whole = isEncoded ? decoded(key) : key
            else { throw .nonsense("an object in a listing has no name or no size") }
            // Sums of sizes stay numbers.
            guard size <= 1 << 50 else { throw .nonsense("an object in a listing is larger than any can be") }
            guard whole.utf8.starts(with: (prefix + folder).utf8) else {
                throw .nonsense("a listing has names that were not asked for")
            }
            let name = String(decoding: whole.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
            if let last, !last.utf8.lexicographicallyPrecedes(name.utf8) {
                throw .nonsense("a listing is not in order")
            }
            last = name
            entries.append(ListedObject(name: name, size: size))
        }
        guard entries.count <= ObjectListing.limit else { throw .nonsense("a listing has too many objects") }
        switch root["IsTruncated"]?.text {
        case "false": return ObjectListing(objects: entries, isLast: true)
        case "true" where !entries.isEmpty: return ObjectListing(objects: entries, isLast: false)
        default: throw .nonsense("a listing does not say whether it is whole, or is cut before its first object")
        }
    }

    /// Asks to remove objects, and to be told only of those that stay (DeleteObjects). Names need no references.
    static func removal(of names: [String]) -> [UInt8] {
        let objects = names.map { "<Object><Key>\($0)</Key></Object>" }.joined()
        return Array(
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\(objects)</Delete>".utf8)
    }

    /// The names that were not removed, and why not.
    static func kept(_ body: [UInt8]) throws(RetryRule.Failure) -> [(name: String, code: String)] {
        let root = try read(body, as: "DeleteResult")
        var kept: [(String, String)] = []
        for error in root.all("Error") {
            guard let name = error["Key"]?.text, let code = error["Code"]?.text else {
                throw .nonsense("the answer to a removal has an error without a name")
            }
            // What is not there has been removed before.
            if code != "NoSuchKey" { kept.append((name, isWord(code) ? code : "an error")) }
        }
        return kept
    }

    /// Whether a bucket keeps what is removed (GetBucketVersioning).
    static func isVersioned(_ body: [UInt8]) throws(RetryRule.Failure) -> Bool {
        let root = try read(body, as: "VersioningConfiguration")
        // What was versioned once has markers in place of what is removed.
        return ["Enabled", "Suspended"].contains(root["Status"]?.text)
    }

    private static func read(_ body: [UInt8], as name: String) throws(RetryRule.Failure) -> XMLElement {
        let root: XMLElement
        do { root = try XMLReader.read(body) } catch { throw .nonsense("its answer is not XML: \(error.reason)") }
        guard root.name == name else {
            throw .nonsense("it answered with \(errorCode(body) ?? "another document") in place of \(name)")
        }
        return root
    }

    /// Codes are words; what is not is not repeated in a log.
    private static func isWord(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || (0x30...0x39).contains($0)
            }
    }

    /// The text that was encoded as in a URL's query; nil for what cannot have been.
    private static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%") {
                guard let decoded = Hexadecimal.decode(Substring(rest.prefix(2)).lowercased()), decoded.count == 1
                else {
                    return nil
                }
                bytes += decoded
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
