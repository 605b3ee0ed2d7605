import Blobs
import HTTPTypes
import Store

@testable import BlobHTTP

/// Lines: a method, a target, then fields.
///
/// What a request says in one of the dialects of resumable uploads is a part that lies within the upload, whose answer
/// is fields that may stand in a head; and a dialect that writes down what was announced reads the same again.
func fuzzDialects(_ bytes: [UInt8]) {
    var lines = Lines(bytes)
    let method = HTTPRequest.Method(lines.next() ?? "PATCH") ?? .patch
    let target = lines.next() ?? ""
    let fields = fields(lines.remaining())
    checkMetadata(fields)
    checkItems(fields)
    guard let route = Route(target: target) else { return }
    let meant = route.method(
        of: HTTPRequest(method: method, scheme: nil, authority: nil, path: target, headerFields: fields))
    check(meant == method || method == .post, "only POST stands for other methods")
    guard let dialect = try? route.uploadDialect(fields) else { return }
    check(route != .upload || dialect is DraftDialect, "tus does not begin at /upload")
    checkStand(dialect.commonFields)
    for question in [UploadQuestion.offset, .cancellation] { try? dialect.validate(question, fields) }
    if let creation = try? dialect.creation(fields, subject: "s") {
        check(creation.part?.offset ?? 0 == 0, "an upload begins at its beginning")
        checkPart(creation.part, length: creation.announcement.size)
        checkAnswers(dialect, creation.announcement, length: creation.announcement.size)
    }
    if let part = try? dialect.part(fields) {
        for length in [nil, part.length, 0, 1000, .max] { checkPart(part, length: length) }
    }
}

private func checkPart(_ part: AppendRequest?, length: Int64?) {
    guard let part else { return }
    check(part.offset >= 0 && part.count ?? 0 >= 0 && part.length ?? 0 >= 0, "a part is no debt")
    guard (try? part.validate(length: length)) != nil, let length, let count = part.count else { return }
    check(part.offset <= length && count <= length - part.offset, "a part that is taken lies within the upload")
    check(
        !part.completes(at: part.offset + count, length: length) || part.offset + count == length,
        "the last bytes end the upload")
    try? part.validate(committed: length)
}

private func checkAnswers(_ dialect: any UploadDialect, _ announcement: UploadAnnouncement, length: Int64?) {
    guard let id = UploadID(bytes: [UInt8](0..<16)), let url = PublicURL("https://media.example") else {
        preconditionFailure("both are written here")
    }
    let now = Timestamp(seconds: 2_000_000_000)
    let place = UploadContext(publicURL: url, now: now, blobLimitBytes: .max)
    let blob = StoredBlob(address: .fuzzed, size: length ?? 0, isNew: true, uploaded: now, expires: now)
    for state in [ResumableUpload.State.open, .committed(blob)] {
        let upload = ResumableUpload(
            id: id, state: state, length: length, offset: length ?? 0, announcement: announcement, expires: now)
        if let announced = dialect.announcement(of: upload, at: place) { checkStand(announced) }
        for request in [UploadRequest.creation(hasPart: true), .creation(hasPart: false), .append, .offset] {
            switch dialect.answer(request, upload, at: place) {
            case .fields(_, let fields), .stored(let fields): checkStand(fields)
            }
        }
    }
}

private func checkStand(_ fields: HTTPFields) {
    for field in fields { check(HTTPField.isValidValue(field.value), "an answer's field may stand in a head") }
}

private func checkMetadata(_ fields: HTTPFields) {
    guard let read = try? TusMetadata.fields(fields[.uploadMetadata] ?? ""),
        let announcement = try? UploadAnnouncement(read, size: nil, subject: "s"),
        let text = TusMetadata.text(announcement)
    else { return }
    guard let again = try? UploadAnnouncement(TusMetadata.fields(text), size: nil, subject: "s") else {
        return check(false, "what was announced in metadata can be announced again")
    }
    check(TusMetadata.text(again) == text, "metadata written again says the same")
}

private func checkItems(_ fields: HTTPFields) {
    for field in fields {
        if let truth = StructuredItem.boolean(field.value) {
            check(StructuredItem.boolean(StructuredItem.encode(truth)) == truth, "a truth is written as it is read")
        }
        if let count = StructuredItem.count(field.value) {
            check((0..<1_000_000_000_000_000).contains(count), "a count has 15 digits at most")
        }
    }
}
