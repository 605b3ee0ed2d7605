import Blobs
import Store
import StoreTestSupport

/// What a store should say about one blob, told without a store: the rules of leases over a list.
struct LeaseModel {
    struct Entry {
        let owner: Int
        let created: Timestamp
        var expires: Timestamp
        let recipients: Int?
        let receipts: [Int]
        /// Who reported, and with which secret.
        var received: [(secret: Int, person: Int)] = []
        var isDelivered = false
        /// An end by somebody's word: why, when, and the how-manieth word it was.
        var word: (reason: EndReason, at: Timestamp, order: Int)?

        func end(at now: Timestamp) -> EndReason? {
            if let word { return word.reason }
            return expires > now ? nil : isDelivered ? .delivered : .expired
        }
    }

    let limit: Lifetime
    let standard: Lifetime
    let grace: Lifetime
    private(set) var entries: [Entry] = []
    private(set) var isBanned = false
    private var words = 0

    init(_ settings: TestSettings) {
        limit = settings.maximumLifetime
        standard = settings.defaultLifetime
        grace = settings.deliveryGrace
    }

    // MARK: What is asked

    /// Why the blob is gone, nil while it is held; nothing at all where it never was.
    func end(at now: Timestamp) -> EndReason? {
        if entries.contains(where: { $0.end(at: now) == nil }) { return nil }
        let last = entries.indices.max { order($0) < order($1) }
        return last.flatMap { entries[$0].end(at: now) }
    }

    func sunset(at now: Timestamp) -> Timestamp? {
        entries.filter { $0.end(at: now) == nil }.map(\.expires).max()
    }

    func entry(of owner: Int) -> Entry? { entries.first { $0.owner == owner } }

    /// What somebody hears whose secret names nothing.
    func refusal(at now: Timestamp) -> StoreError {
        if entries.isEmpty { return .notFound }
        return end(at: now).map { .gone($0) } ?? .wrongSecret
    }

    /// Ends in their order: by when, and at the same moment those by time before those by a word, of those by time the
    /// ones that everybody had last.
    private func order(_ index: Int) -> (Int64, Int, Int) {
        let entry = entries[index]
        guard let word = entry.word else { return (entry.expires.seconds, 0, entry.isDelivered ? 1 : 0) }
        return (word.at.seconds, word.order, 0)
    }

    // MARK: What is done

    mutating func upload(_ wanted: Wanted, at now: Timestamp) -> StoreError? {
        let lifetime = wanted.lifetime ?? standard
        if lifetime > limit { return .lifetimeTooLong(limit: limit) }
        if isBanned { return .banned }
        if let existing = entry(of: wanted.owner) { return existing.end(at: now).map { .leaseEnded($0) } }
        if entries.contains(where: { !Set($0.receipts).isDisjoint(with: wanted.receipts) }) { return .receiptTaken }
        entries.append(
            Entry(
                owner: wanted.owner, created: now, expires: now.advanced(by: lifetime), recipients: wanted.recipients,
                receipts: wanted.receipts))
        return nil
    }

    mutating func addLease(_ wanted: Wanted, at now: Timestamp) -> StoreError? {
        if let lifetime = wanted.lifetime, lifetime > limit { return .lifetimeTooLong(limit: limit) }
        if isBanned { return .banned }
        if entries.isEmpty { return .notFound }
        if let end = end(at: now) { return .gone(end) }
        return upload(wanted, at: now)
    }

    mutating func renew(_ owner: Int, _ lifetime: Lifetime?, at now: Timestamp) -> StoreError? {
        guard let index = entries.firstIndex(where: { $0.owner == owner }) else { return refusal(at: now) }
        if let end = entries[index].end(at: now) { return .leaseEnded(end) }
        if let lifetime, lifetime > limit { return .lifetimeTooLong(limit: limit) }
        let end = now.advanced(by: lifetime ?? standard)
        entries[index].expires = lifetime == nil ? max(end, entries[index].expires) : end
        return nil
    }

    mutating func revoke(_ owner: Int, at now: Timestamp) -> StoreError? {
        guard let index = entries.firstIndex(where: { $0.owner == owner }) else { return refusal(at: now) }
        end(index, .revoked, at: now)
        return nil
    }

    mutating func confirm(_ secret: Int, _ person: Int, at now: Timestamp) -> StoreError? {
        guard let index = entries.firstIndex(where: { $0.receipts.contains(secret) }) else { return refusal(at: now) }
        confirm(index, secret, person, at: now)
        return nil
    }

    private mutating func confirm(_ index: Int, _ secret: Int, _ person: Int, at now: Timestamp) {
        let entry = entries[index]
        let isShared = entry.receipts.count == 1 && entry.recipients != 1
        let isKnown = entry.received.contains { isShared ? $0.person == person : $0.secret == secret }
        if isKnown || isShared && entry.received.count == entry.recipients { return }
        entries[index].received.append((secret, person))
        guard entry.end(at: now) == nil, entry.received.count + 1 == entry.recipients else { return }
        entries[index].isDelivered = true
        entries[index].expires = min(entry.expires, now.advanced(by: isShared ? grace : .minutes(10)))
    }

    mutating func remove(bans: Bool, at now: Timestamp) {
        isBanned = isBanned || bans
        for index in entries.indices { end(index, .removed, at: now) }
    }

    mutating func liftBan() { isBanned = false }

    private mutating func end(_ index: Int, _ reason: EndReason, at now: Timestamp) {
        guard entries[index].end(at: now) == nil else { return }
        words += 1
        entries[index].word = (reason, now, words)
    }

    /// A lease that somebody wants.
    struct Wanted {
        let owner: Int
        let lifetime: Lifetime?
        let recipients: Int?
        let receipts: [Int]

        var terms: LeaseTerms {
            StoreTestSupport.terms(
                owner: owner, lifetime: lifetime, recipients: recipients, receipts: receipts.map(secret))
        }
    }
}
