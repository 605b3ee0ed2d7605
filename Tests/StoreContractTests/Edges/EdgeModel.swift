import Blobs
import Store

/// What an edge may say of blobs, told without an edge: the origin's words, and how long each may be believed.
struct EdgeModel {
    /// What the origin said of a blob at some time.
    private struct Statement {
        let word: FoundWord
        /// Since when it has been wrong; nil while it is right. What lasts longer than was said is right.
        var wrongSince: Timestamp?
        /// Whether the feed had lost the thread when it should have told that.
        var isMissed = false
    }

    let age: Lifetime
    private var statements: [BlobAddress: [Statement]] = [:]
    /// Until when the edge serves blobs that it has on its disk, whatever becomes of the origin.
    private var fresh: [BlobAddress: Timestamp] = [:]
    /// Since when the origin has been out of reach; nil while it is not.
    private(set) var cutSince: Timestamp?
    /// Whether the edge relies on the feed, which may have fallen silent a moment ago.
    var isTrusting = false

    init(age: Lifetime) { self.age = age }

    var isReachable: Bool { cutSince == nil }

    // MARK: What happens

    /// The origin says this from now on. Only the end of a lease changes that by itself.
    mutating func state(_ word: FoundWord, of blob: BlobAddress, at now: Timestamp) {
        let last = statements[blob]?.last?.word
        if word == last { return }
        fresh[blob] = nil
        for index in statements[blob, default: []].indices where statements[blob]?[index].wrongSince == nil {
            if case .held(let former)? = statements[blob]?[index].word, case .held(let until) = word, former <= until {
                continue
            }
            statements[blob]?[index].wrongSince = now
        }
        statements[blob, default: []].append(Statement(word: word))
    }

    /// The edge has heard of all changes. What the feed could not tell it is no wiser about.
    mutating func hear(losingThread isLost: Bool) {
        for blob in statements.keys {
            if isLost {
                for index in statements[blob, default: []].indices where statements[blob]?[index].wrongSince != nil {
                    statements[blob]?[index].isMissed = true
                }
            } else {
                statements[blob]?.removeAll { $0.wrongSince != nil && !$0.isMissed }
            }
        }
        isTrusting = true
    }

    mutating func cut(at now: Timestamp) { cutSince = cutSince ?? now }

    mutating func mend() { cutSince = nil }

    /// The edge has all of a blob, which it last asked about at `checked` and was told to serve until `sunset`.
    mutating func keep(_ blob: BlobAddress, checked: Timestamp, sunset: Timestamp) {
        fresh[blob] = min(checked.advanced(by: age), sunset)
    }

    /// The edge has begun anew.
    mutating func restart() {
        fresh = [:]
        isTrusting = false
    }

    // MARK: What may be said

    /// What the origin says now.
    func truth(_ blob: BlobAddress, at now: Timestamp) -> FoundWord {
        guard let word = statements[blob]?.last?.word else { return .unknown }
        if case .held(let until) = word, until <= now { return .gone(.expired) }
        return word
    }

    func allows(_ word: FoundWord, of blob: BlobAddress, at now: Timestamp) -> Bool {
        switch word {
        case .held(let until):
            now < until && statements[blob, default: []].contains { $0.word == word && mayBelieve($0, at: now) }
        case .gone, .unknown, .damaged: isReachable && word == truth(blob, at: now)
        case .none: !isReachable && !mustServe(blob, at: now)
        }
    }

    private func mayBelieve(_ statement: Statement, at now: Timestamp) -> Bool {
        guard let unheard = [statement.wrongSince, cutSince].compactMap(\.self).min() else { return true }
        return isTrusting && !statement.isMissed || now < unheard.advanced(by: age)
    }

    /// Whether a blob is here, fresh and right.
    private func mustServe(_ blob: BlobAddress, at now: Timestamp) -> Bool {
        guard let end = fresh[blob], case .held = truth(blob, at: now) else { return false }
        return now < end
    }
}
