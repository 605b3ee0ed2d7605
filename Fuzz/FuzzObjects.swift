import Blobs

@testable import Objects

/// Two lines, an address of an object store and the name of an object; then a document in XML, as a store answers.
///
/// What is read is within its bounds, and what is written of it again is the same.
func fuzzObjects(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
    let texts = parts.map { String(decoding: $0, as: UTF8.self) }
    if let address = try? ObjectStoreAddress(parsing: texts[0]) {
        check(
            (try? ObjectStoreAddress(parsing: address.description)) == address, "an address written again is the same")
        check(address.bucketPath.hasPrefix("/") && address.bucketPath.hasSuffix("/"), "a bucket's path is a folder")
        let parts = (address.bucketPath + address.prefix).split(separator: "/")
        check(parts.allSatisfy { SignatureV4.encode(String($0)) == $0 }, "nothing in a path has to be encoded")
    }
    if texts.count > 1, let name = ObjectName(listed: texts[1]) {
        check(name.text == texts[1] && name.id.map { ObjectName($0) } == name, "a name is its ID's")
    }
    let document = parts.count > 2 ? Array(parts[2]) : []
    if let code = S3Document.errorCode(document) {
        check(
            code.utf8.count <= 64 && code.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }, "a code is a word")
    }
    _ = try? S3Document.isVersioned(document)
    if let kept = try? S3Document.kept(document) {
        check(kept.allSatisfy { $0.code != "NoSuchKey" }, "what is gone is gone")
    }
    _ = try? AccessKeys.parse(texts.last ?? "")
    checkListing(document)
}

private func checkListing(_ document: [UInt8]) {
    guard let page = try? S3Document.listing(document, prefix: "p/", folder: "v1/", after: "v1/a") else { return }
    check(page.objects.count <= ObjectListing.limit, "a page has its limit")
    check(page.isLast || !page.objects.isEmpty, "who goes on gets on")
    var last = "v1/a"
    for object in page.objects {
        check(object.size >= 0 && object.name.utf8.starts(with: "v1/".utf8), "objects are those that were asked for")
        check(last.utf8.lexicographicallyPrecedes(object.name.utf8), "objects are in order")
        last = object.name
    }
}
