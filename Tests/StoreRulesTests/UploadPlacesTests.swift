import Blobs
import StoreRules
import TestSupport
import Testing

@Suite struct UploadPlacesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var used: Int
        var own: Int
        /// Places of whoever holds most; nil where nobody can lose one.
        var most: Int?
        var hasBytes = false
        var sparesBytes = false
        let decision: PlaceRule.Choice

        var testDescription: String {
            "\(used) used, \(own) own, most \(most.map { "\($0)" } ?? "-"), \(hasBytes), \(sparesBytes)"
        }
    }

    private static let cases = [
        Case(used: 0, own: 0, most: nil, decision: .free), Case(used: 89, own: 89, most: 89, decision: .free),
        // The last tenth is for those who hold none.
        Case(used: 90, own: 90, most: 90, decision: .refused), Case(used: 90, own: 1, most: 2, decision: .refused),
        Case(used: 90, own: 1, most: 3, decision: .taken), Case(used: 99, own: 0, most: 50, decision: .free),
        Case(used: 100, own: 0, most: 2, decision: .taken), Case(used: 100, own: 7, most: 9, decision: .taken),
        // Nobody takes a place to lose it to the same one again.
        Case(used: 100, own: 7, most: 8, decision: .refused), Case(used: 100, own: 9, most: 9, decision: .refused),
        // All hold one.
        Case(used: 100, own: 0, most: 1, decision: .taken), Case(used: 100, own: 1, most: 1, decision: .refused),
        Case(used: 100, own: 0, most: 1, hasBytes: true, decision: .taken),
        Case(used: 100, own: 0, most: 1, hasBytes: true, sparesBytes: true, decision: .refused),
        Case(used: 100, own: 0, most: 1, sparesBytes: true, decision: .taken),
        Case(used: 100, own: 0, most: 2, hasBytes: true, sparesBytes: true, decision: .taken),
        // More than there are, since an earlier process had a higher limit.
        Case(used: 1000, own: 0, most: 300, decision: .taken), Case(used: 1000, own: 0, most: nil, decision: .refused),
    ]

    @Test(arguments: cases) func `a place is free, is taken from whoever holds most, or is refused`(example: Case) {
        let first = UploadStanding(hasBytes: example.hasBytes, latest: Timestamp(seconds: 0))
        let decision = PlaceRule.decide(
            limit: 100, used: example.used, own: example.own,
            most: example.most.map { PlaceHolding(places: $0, first: first) }, sparesBytes: example.sparesBytes)
        #expect(decision == example.decision)
    }

    @Test func `uploads without a byte go first, then those idle for longest`() {
        let order = [(false, 5), (false, 9), (true, 1), (true, 3)].map {
            UploadStanding(hasBytes: $0, latest: Timestamp(seconds: $1))
        }
        #expect(order.reversed().sorted() == order)
        let holdings = [PlaceHolding(places: 3, first: order[3])] + order.map { PlaceHolding(places: 1, first: $0) }
        #expect(holdings.reversed().sorted() == holdings)
    }

    @Test(arguments: [3, 10, 40], [true, false]) func `places go as they do where all are looked at every time`(
        limit: Int, sparesBytes: Bool
    ) {
        var random = SeededGenerator(seed: UInt64(limit))
        var places = UploadPlaces<Int>(limit: limit, sparesBytes: sparesBytes)
        var model = PlacesModel(limit: limit, sparesBytes: sparesBytes)
        let subjects = (0..<limit + 2).map { "subject \($0)" }
        var (latest, taken, refused) = (0, 0, 0)
        for number in 0..<4000 {
            // Some hold many, most hold few.
            let (one, other) = (
                Int.random(in: 0..<limit + 2, using: &random), Int.random(in: 0..<limit + 2, using: &random)
            )
            let subject = subjects[one * other / (limit + 2)]
            #expect(places.decide(for: subject) == model.decide(for: subject))
            switch places.decide(for: subject) {
            case .refused: refused += 1
            case .taken:
                taken += 1
                if let loser = places.first {
                    #expect(model.standing(loser) == model.first)
                    places.leave(loser)
                    model.entries[loser] = nil
                }
                fallthrough
            case .free:
                places.enter(number, of: subject)
                model.entries[number] = (subject, nil)
            }
            for _ in 0..<3 {
                guard let id = model.entries.keys.sorted().randomElement(using: &random) else { continue }
                latest += Int.random(in: 0...1, using: &random)
                let standing = UploadStanding(
                    hasBytes: Bool.random(using: &random), latest: Timestamp(seconds: Int64(latest)))
                switch Int.random(in: 0..<10, using: &random) {
                case 0:
                    places.leave(id)
                    model.entries[id] = nil
                case 1:
                    places.rank(id, nil)
                    model.entries[id]?.standing = nil
                default:
                    places.rank(id, standing)
                    model.entries[id]?.standing = standing
                }
            }
        }
        #expect(taken > 100 && refused > 100, "\(taken), \(refused)")
        for id in model.entries.keys { places.leave(id) }
        #expect(places.first == nil && places.decide(for: "anybody") == .free)
        let isRanked = places.rank(0, nil)
        #expect(!isRanked, "nobody is left")
    }
}

/// The same without any order: whoever asks looks at everything.
private struct PlacesModel {
    let limit: Int
    let sparesBytes: Bool
    var entries: [Int: (subject: String, standing: UploadStanding?)] = [:]

    private var holdings: [PlaceHolding] {
        Dictionary(grouping: entries.values, by: { $0.subject }).values.compactMap { held in
            held.compactMap { $0.standing }.min().map { PlaceHolding(places: held.count, first: $0) }
        }
    }

    /// Of whom a place is taken, and how the upload stands.
    var first: PlaceHolding? { holdings.min() }

    func standing(_ id: Int) -> PlaceHolding? {
        guard let entry = entries[id], let standing = entry.standing else { return nil }
        return PlaceHolding(places: entries.values.count { $0.subject == entry.subject }, first: standing)
    }

    func decide(for subject: String) -> PlaceRule.Choice {
        PlaceRule.decide(
            limit: limit, used: entries.count, own: entries.values.count { $0.subject == subject }, most: first,
            sparesBytes: sparesBytes)
    }
}
