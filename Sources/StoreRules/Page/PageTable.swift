/// The rows of one table that a batch of changes looks at, in memory: as they are stored, and as the changes leave them.
///
/// A row is asked for by its key and loaded by whatever keeps the catalogue; a place is the number of a row on this
/// page. Every change can be undone until the next one begins.
package struct PageTable<Key: Hashable & Sendable, Row: Sendable>: Sendable {
    package struct Entry: Sendable {
        package let key: Key
        /// The row as it is stored; nil where there is none.
        package fileprivate(set) var stored: Row?
        /// The row as the changes so far leave it; nil where there is none.
        package fileprivate(set) var current: Row?
        /// Whether a change has set it.
        package fileprivate(set) var isChanged = false
    }

    /// What a change did, so that it can be undone.
    private enum Step: Sendable {
        case set(place: Int, before: Row?, wasChanged: Bool)
        case renamed(Key, before: Int?)
    }

    package private(set) var entries: [Entry] = []
    private var places: [Key: Int] = [:]
    private var requested: [Int] = []
    /// The places of the rows that changes have added, of changes that were undone too.
    package private(set) var added: [Int] = []
    private var steps: [Step] = []

    package init() {}

    // MARK: Loading

    /// Asks for the row of `key`.
    package mutating func request(_ key: Key) {
        if places[key] == nil { requested.append(append(Entry(key: key))) }
    }

    /// Whether every row that was asked for has been loaded.
    package var isComplete: Bool { requested.isEmpty }

    /// The places whose rows were asked for and are not loaded yet; whoever takes them loads them.
    package mutating func takeRequests() -> [Int] {
        defer { requested = [] }
        return requested
    }

    /// Loads the row of a place that was asked for.
    package mutating func fill(_ place: Int, _ row: Row?) {
        entries[place].stored = row
        entries[place].current = row
    }

    /// Loads a row that nobody asked for by its key; one that is on the page already stays as it is. Gives its place.
    package mutating func load(_ key: Key, _ row: Row) -> Int {
        if let place = places[key] {
            guard let index = requested.firstIndex(of: place) else { return place }
            requested.remove(at: index)
            fill(place, row)
            return place
        }
        return append(Entry(key: key, stored: row, current: row))
    }

    /// Loads a row that no key leads to. Gives its place.
    package mutating func load(nameless key: Key, _ row: Row) -> Int {
        entries.append(Entry(key: key, stored: row, current: row))
        return entries.count - 1
    }

    private mutating func append(_ entry: Entry) -> Int {
        places[entry.key] = entries.count
        entries.append(entry)
        return entries.count - 1
    }

    // MARK: Looking

    /// The row of `key` by now. One that is not on the page is asked for, and the change is judged again with it.
    package mutating func row(_ key: Key) -> Row? {
        guard let place = place(key) else { return nil }
        return entries[place].current
    }

    /// The place of `key`'s row; nil, and asked for, where it is not on the page.
    package mutating func place(_ key: Key) -> Int? {
        guard let place = places[key] else {
            request(key)
            return nil
        }
        return place
    }

    /// The row of `key` by now, where it is on the page; it is not asked for.
    package func peek(_ key: Key) -> Row? { places[key].flatMap { entries[$0].current } }

    /// The place of `key`'s row, where it is on the page; it is not asked for.
    package func place(peeking key: Key) -> Int? { places[key] }

    /// The row at a place by now.
    package subscript(_ place: Int) -> Row? { entries[place].current }

    /// The entries that changes have set, and their places.
    package var changed: some Sequence<Entry> { entries.lazy.filter { $0.isChanged } }
    package var changedPlaces: some Sequence<Int> { entries.indices.lazy.filter { entries[$0].isChanged } }

    // MARK: Changing

    /// Changes the row at a place; nil removes it.
    package mutating func set(_ row: Row?, at place: Int) {
        steps.append(.set(place: place, before: entries[place].current, wasChanged: entries[place].isChanged))
        entries[place].current = row
        entries[place].isChanged = true
    }

    /// Changes the row of `key`, or adds one that is not on the page and not stored.
    package mutating func set(_ row: Row?, for key: Key) {
        set(row, at: places[key] ?? append(Entry(key: key)))
    }

    /// Adds a row that is not stored, whatever was called so before. Gives its place.
    package mutating func add(_ row: Row, for key: Key) -> Int {
        steps.append(.renamed(key, before: places[key]))
        let place = append(Entry(key: key))
        set(row, at: place)
        added.append(place)
        return place
    }

    /// A new change begins: those before stay.
    package mutating func begin() {
        steps.removeAll(keepingCapacity: true)
    }

    /// Undoes what was done since the last change began.
    package mutating func undo() {
        for step in steps.reversed() {
            switch step {
            case .set(let place, let before, let wasChanged):
                entries[place].current = before
                entries[place].isChanged = wasChanged
            case .renamed(let key, let before): places[key] = before
            }
        }
        steps.removeAll(keepingCapacity: true)
    }
}
