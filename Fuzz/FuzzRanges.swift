import Blobs
import HTTPTypes

@testable import BlobHTTP

/// Lines: size of the blob, Range, If-Match, If-None-Match, If-Range, and anything more for HEAD.
///
/// Every byte that is answered lies in the blob, no more of them than it has, and the fields tell exactly them.
func fuzzRanges(_ bytes: [UInt8]) {
    var lines = Lines(bytes)
    // No store holds more, and the fields around the ranges need a little room.
    let size = min(lines.next().flatMap { SaturatingDigits.parse($0) } ?? 0, 1 << 62)
    var request = ReadRequest(.fuzzed, range: lines.next())
    request.preconditions = Preconditions(
        ifMatch: lines.next(), ifNoneMatch: lines.next(), ifRange: lines.next())
    request.isHead = lines.next() != nil
    let metadata = BlobMetadata(address: .fuzzed, size: size, sunset: Timestamp(seconds: 2_000_000_000))
    do throws(Problem) {
        let response = try ReadResponse.decide(request, metadata, now: Timestamp(seconds: 1), cacheSeconds: 60)
        check(of: response, size: size, isHead: request.isHead)
    } catch {
        check(
            error.code == .preconditionFailed || error.code == .badRange, "a read is refused for one of two reasons"
        )
        check(error.code != .badRange || !request.isHead, "HEAD knows no ranges")
    }
    checkTags(request.preconditions, metadata.entityTag)
}

private func check(of response: ReadResponse, size: Int64, isHead: Bool) {
    let count = response.body.byteCount(of: size)
    check(!isHead || count == 0, "HEAD has no body")
    switch response.body {
    case .none: check([.ok, .notModified].contains(response.status), "no body, no part")
    case .whole: check(response.status == .ok && response.fields[.contentLength] == String(size), "all of it is 200")
    case .part(let range):
        check(lies(range, within: size), "a part lies in the blob")
        check(
            response.fields[.contentRange] == "bytes \(range.offset)-\(range.last)/\(size)"
                && response.fields[.contentLength] == String(range.count), "a part is told as it is")
    case .multipart(let layout):
        check((2...RangeDecision.rangeLimit).contains(layout.parts.count), "no more parts than may be")
        check(layout.parts.allSatisfy { lies($0.range, within: size) }, "all parts lie in the blob")
        let room = layout.parts.reduce(size) { $0 - $1.range.count }
        check(room >= 0, "all parts together are no more than the blob")
        let written = layout.parts.reduce(Int64(layout.tail.utf8.count)) {
            $0 + Int64($1.head.utf8.count) + $1.range.count
        }
        check(written == count && response.fields[.contentLength] == String(count), "the length is told beforehand")
    }
}

private func lies(_ range: ByteRange, within size: Int64) -> Bool {
    range.offset >= 0 && range.count > 0 && range.last < size && range.last >= range.offset
}

/// The quick comparison of tags and the slow one agree, and tags that are written again are read as the same.
private func checkTags(_ preconditions: Preconditions, _ tag: EntityTag) {
    for text in [preconditions.ifMatch, preconditions.ifNoneMatch, preconditions.ifRange] {
        guard let text, case .tags(let tags)? = EntityTagList(text) else { continue }
        check(!tag.isWritten(as: text) || tags == [tag], "a tag that is written so is the tag")
        let spelled = tags.map { "\($0.isWeak ? "W/" : "")\"\($0.opaque)\"" }.joined(separator: ", ")
        check(EntityTagList(spelled) == .tags(tags), "a list of tags written again is the same list")
    }
}
