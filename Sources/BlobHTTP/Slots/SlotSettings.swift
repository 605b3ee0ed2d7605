package import Blobs
import HTTPTypes
import Store
package import Tickets

/// What an operator allows at the doors.
package struct SlotSettings: Sendable {
    package let doors: SlotDoors
    /// How long a slot lasts whose word names no end, and the longest that any may.
    package var lifetime: Lifetime
    package var longestLifetime: Lifetime
    /// Whether files that everybody can open are refused.
    package var refusesPlaintext: Bool

    package init(
        doors: SlotDoors, lifetime: Lifetime = .days(30), longestLifetime: Lifetime = .days(30),
        refusesPlaintext: Bool = false
    ) {
        self.doors = doors
        self.lifetime = lifetime
        self.longestLifetime = longestLifetime
        self.refusesPlaintext = refusesPlaintext
    }
}

/// An upload to a slot that a good word has opened.
struct SlotAdmission: Sendable {
    let path: SlotPath
    /// Bytes of the body.
    let size: Int64
    let grant: SlotGrant

    /// Who is charged: the person as a ticket would name them, or else all who come through the door.
    var subject: String { grant.user.map { Ticket.chargedSubject($0) } ?? "door:\(path.door)" }

    /// What is uploaded.
    func announcement(_ settings: SlotSettings, now: Timestamp) -> UploadAnnouncement {
        let wanted = grant.end.flatMap { Lifetime(seconds: $0.secondsSince(now)) } ?? settings.lifetime
        // The name stands for an owner, so that each slot has a lease of its own; no secret has that hash.
        let terms = LeaseTerms(
            lifetime: min(wanted, settings.longestLifetime), owner: SecretHash(bytes: path.name.bytes),
            subject: subject, isShared: grant.user == nil, alias: LeaseAlias(name: path.name, via: path.door))
        return UploadAnnouncement(
            size: size, address: nil, terms: terms, acceptance: settings.refusesPlaintext ? .encryptedOnly : .any)
    }
}

extension Gate {
    /// Lets in an upload to a slot whose word is good. Whoever has none learns nothing about the slot.
    func admitUpload(
        for operation: Operation, _ request: HTTPRequest, now: Timestamp
    ) throws(Problem) -> SlotAdmission {
        guard case .fillSlot(let path?) = operation else {
            throw Problem(.badRequest, detail: "The path of the slot is malformed.")
        }
        guard let slots else { throw Problem(.notFound) }
        let fields = request.headerFields
        guard let word = SlotWord(fields, target: request.path ?? "") else { throw .slotWordMissing }
        guard fields[.contentRange] == nil else {
            throw .badField(.contentRange, "is not allowed in an upload")  // RFC 9110 §14.5
        }
        guard let size = try fields.bodyBytes() else { throw Problem(.lengthRequired) }
        do throws(SlotRefusal) {
            let grant = try word.grant(
                for: path, size: size, contentType: fields[.contentType], secrets: slots.doors.secrets(of: path.door),
                now: now)
            return SlotAdmission(path: path, size: size, grant: grant)
        } catch {
            refusedWords?.note(error, of: word, at: path.door)
            throw Problem(error)
        }
    }
}

extension Problem {
    static var slotWordMissing: Problem { Problem(.slotWordMissing, fields: [.wwwAuthenticate: "Bearer"]) }

    fileprivate init(_ refusal: SlotRefusal) {
        switch refusal {
        case .unsigned:
            self.init(.slotWord, detail: "No secret of this door has signed the word for this path, size and type.")
        case .wrong:
            self.init(.slotWord, detail: "The word is signed, and for another path, or without what it has to say.")
        case .expired: self.init(.slotExpired)
        case .tooLarge(let limitBytes): self.init(.tooLarge, detail: "The slot is for fewer bytes.", limit: limitBytes)
        case .tooSmall(let bytes): self = .badField(.contentLength, "must be \(bytes), which the slot was asked for")
        }
    }
}
