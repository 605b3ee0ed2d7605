package import Blobs
package import Store

/// How an upload stands when somebody has to lose a place: the first in this order is the first to go.
package struct UploadStanding: Comparable, Hashable, Sendable {
    /// Whether any byte of it has arrived.
    package var hasBytes: Bool
    /// When its latest bytes arrived, or when it began.
    package var latest: Timestamp

    package init(hasBytes: Bool, latest: Timestamp) {
        self.hasBytes = hasBytes
        self.latest = latest
    }

    /// Without a byte first, then idle for longest.
    package static func < (one: Self, other: Self) -> Bool {
        one.hasBytes == other.hasBytes ? one.latest < other.latest : other.hasBytes
    }
}

/// The places of one subject, and how the first of its uploads to lose one stands: the first in this order loses one
/// before the others.
package struct PlaceHolding: Comparable, Hashable, Sendable {
    package var places: Int
    package var first: UploadStanding

    package init(places: Int, first: UploadStanding) {
        self.places = places
        self.first = first
    }

    /// Whoever holds most first; of equals, the one whose upload goes first.
    package static func < (one: Self, other: Self) -> Bool {
        one.places == other.places ? one.first < other.first : one.places > other.places
    }
}

/// Who gets a place for an upload, and who loses one for it.
package enum PlaceRule {
    package enum Choice: Hashable, Sendable {
        /// A place is free.
        case free
        /// The subject that holds most loses one.
        case taken
        case refused
    }

    /// - Parameters:
    ///   - limit: all places. A tenth of them is for subjects that hold none.
    ///   - used: places that are given away.
    ///   - own: places that the subject holds that asks for another.
    ///   - most: the subject that loses a place before the others; nil where nobody can.
    ///   - sparesBytes: whether, where all hold one place, an upload that has bytes keeps it. It is so for requests in
    ///     progress, which newcomers would end over and over; not for kept uploads, of which the longest idle goes.
    package static func decide(
        limit: Int, used: Int, own: Int, most: PlaceHolding?, sparesBytes: Bool
    ) -> Choice {
        if used < (own == 0 ? limit : limit - limit / 10) { return .free }
        guard let most else { return .refused }
        // Whoever loses a place keeps as many as the other then has: nobody takes them back and forth.
        if most.places >= own + 2 { return .taken }
        // All hold one.
        return own == 0 && !(sparesBytes && most.first.hasBytes) ? .taken : .refused
    }
}

/// The places for uploads of one kind, and who holds them. Every step costs the logarithm of their number; of requests,
/// which every upload is one of, it is compiled for their numbers.
package struct UploadPlaces<ID: Hashable & Sendable>: Sendable {
    private struct Holder: Sendable {
        var places = 0
        /// Its uploads that can lose their places.
        var queue = PriorityQueue<ID, UploadStanding>()
    }

    private let limit: Int
    private let sparesBytes: Bool
    private var subjects: [ID: String] = [:]
    private var holders: [String: Holder] = [:]
    /// The subjects that can lose a place.
    private var queue = PriorityQueue<String, PlaceHolding>()

    /// `sparesBytes` as in `PlaceRule.decide`.
    package init(limit: Int, sparesBytes: Bool) {
        self.limit = limit
        self.sparesBytes = sparesBytes
    }

    /// Whether `subject` gets a place.
    @specialized(where ID == Int)
    package func decide(for subject: String) -> PlaceRule.Choice {
        PlaceRule.decide(
            limit: limit, used: subjects.count, own: holders[subject]?.places ?? 0, most: queue.first?.priority,
            sparesBytes: sparesBytes)
    }

    /// The upload that is the first to lose its place; nil where none can.
    package var first: ID? { queue.first.flatMap { holders[$0.element]?.queue.first?.element } }

    /// Gives `id` of `subject` a place, free or not. It cannot be taken before `rank` says how the upload stands.
    @specialized(where ID == Int)
    package mutating func enter(_ id: ID, of subject: String) {
        guard subjects.updateValue(subject, forKey: id) == nil else { return }
        holders[subject, default: Holder()].places += 1
        reorder(subject)
    }

    /// Notes how an upload stands that has a place; with nil its place cannot be taken. False where it has none.
    @discardableResult
    @specialized(where ID == Int)
    package mutating func rank(_ id: ID, _ standing: UploadStanding?) -> Bool {
        guard let subject = subjects[id] else { return false }
        holders[subject]?.queue.set(standing, for: id)
        reorder(subject)
        return true
    }

    /// Frees the place of `id`, if it has one.
    @specialized(where ID == Int)
    package mutating func leave(_ id: ID) {
        guard let subject = subjects.removeValue(forKey: id) else { return }
        holders[subject]?.queue.set(nil, for: id)
        holders[subject]?.places -= 1
        if holders[subject]?.places == 0 { holders[subject] = nil }
        reorder(subject)
    }

    private mutating func reorder(_ subject: String) {
        guard let holder = holders[subject], let first = holder.queue.first else {
            return queue.set(nil, for: subject)
        }
        queue.set(PlaceHolding(places: holder.places, first: first.priority), for: subject)
    }
}

extension StoreError {
    /// Too many requests bring bytes; also what one hears that lost its place.
    package static let noPlaceInProgress = placesUsedUp("uploads in progress")
    /// Too many uploads outlive their requests.
    package static let noPlaceToKeep = placesUsedUp("kept uploads")
    package static let noPlaceOfSubject = placesUsedUp("uploads of this subject")

    private static func placesUsedUp(_ limit: String) -> StoreError { .busy(limit: limit, retryAfterSeconds: 5) }
}

/// Elements with priorities that can change; the least comes first (a binary heap that knows where each element is).
private struct PriorityQueue<Element: Hashable & Sendable, Priority: Comparable & Sendable>: Sendable {
    private var nodes: [(element: Element, priority: Priority)] = []
    private var places: [Element: Int] = [:]

    var first: (element: Element, priority: Priority)? { nodes.first }

    /// Sets the priority of an element; nil removes it.
    mutating func set(_ priority: Priority?, for element: Element) {
        guard let priority else { return remove(element) }
        guard let place = places[element] else {
            nodes.append((element, priority))
            places[element] = nodes.count - 1
            return rise(nodes.count - 1)
        }
        nodes[place].priority = priority
        settle(place)
    }

    private mutating func remove(_ element: Element) {
        guard let place = places.removeValue(forKey: element) else { return }
        let last = nodes.removeLast()
        guard place < nodes.count else { return }
        nodes[place] = last
        places[last.element] = place
        settle(place)
    }

    /// Moves a node to where it belongs.
    private mutating func settle(_ place: Int) {
        rise(place)
        sink(place)
    }

    private mutating func rise(_ start: Int) {
        var place = start
        while place > 0, nodes[place].priority < nodes[(place - 1) / 2].priority {
            swap(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func sink(_ start: Int) {
        var (place, child) = (start, 2 * start + 1)
        while child < nodes.count {
            if child + 1 < nodes.count, nodes[child + 1].priority < nodes[child].priority { child += 1 }
            guard nodes[child].priority < nodes[place].priority else { return }
            swap(place, child)
            (place, child) = (child, 2 * child + 1)
        }
    }

    private mutating func swap(_ one: Int, _ other: Int) {
        nodes.swapAt(one, other)
        places[nodes[one].element] = one
        places[nodes[other].element] = other
    }
}
