/// The rows of one table that a batch of changes looks at, in memory: as they are stored, and as the changes leave them.
///
/// A row is asked for by its key and loaded by whatever keeps the catalog; a place is the number of a row on this
/// page. Every change can be undone until the next one begins.
///
/// Public and inlinable, unlike all else here, since only so it is compiled for each table in the rooms that use it.
public struct PageTable<Key: Hashable & Sendable, Row: Sendable>: Sendable {
    /// One row, and what changes have made of it.
    public struct Entry: Sendable {
        /// What it was asked for by.
        public let key: Key
        /// The row as it is stored; nil where there is none.
        public var stored: Row?
        /// The row as the changes so far leave it; nil where there is none.
        public var current: Row?
        /// Whether a change has set it.
        public var isChanged = false
        /// Whether its key leads to it.
        @usableFromInline var isNamed: Bool

        @inlinable init(key: Key, isNamed: Bool = true, stored: Row? = nil, current: Row? = nil) {
            self.key = key
            self.isNamed = isNamed
            self.stored = stored
            self.current = current
        }
    }

    /// What a change did, so that it can be undone.
    @usableFromInline enum Step: Sendable {
        case set(place: Int, before: Row?, wasChanged: Bool)
        case renamed(Key, before: Int?)
    }

    @usableFromInline var rows: [Entry] = []
    /// Where keys lead to, once there are more than a few rows.
    @usableFromInline var places: [Key: Int] = [:]
    @usableFromInline var requested: [Int] = []
    @usableFromInline var new: [Int] = []
    @usableFromInline var steps: [Step] = []
    /// Whether any change has set a row, undone or not.
    @usableFromInline var hasChanges = false

    /// A table without rows.
    @inlinable public init() {}

    /// The key of a place.
    @inlinable public func key(at place: Int) -> Key { rows[place].key }

    /// The rows on the page, by their places.
    @inlinable public var entries: [Entry] { rows }

    /// The places of the rows that changes have added, of changes that were undone too.
    @inlinable public var added: [Int] { new }

    // MARK: Loading

    /// Asks for the row of `key`.
    @inlinable public mutating func request(_ key: Key) {
        if place(peeking: key) == nil { requested.append(append(Entry(key: key))) }
    }

    /// Whether every row that was asked for has been loaded.
    @inlinable public var isComplete: Bool { requested.isEmpty }

    /// The places whose rows were asked for and are not loaded yet; whoever takes them loads them.
    @inlinable public mutating func takeRequests() -> [Int] {
        if requested.isEmpty { return [] }
        defer { requested = [] }
        return requested
    }

    /// Loads the row of a place that was asked for.
    @inlinable public mutating func fill(_ place: Int, _ row: Row?) {
        rows[place].stored = row
        rows[place].current = row
    }

    /// Loads a row that nobody asked for by its key; one that is on the page already stays as it is. Returns its place.
    @inlinable public mutating func load(_ key: Key, _ row: Row) -> Int {
        if let place = place(peeking: key) {
            guard let index = requested.firstIndex(of: place) else { return place }
            requested.remove(at: index)
            fill(place, row)
            return place
        }
        return append(Entry(key: key, stored: row, current: row))
    }

    /// Loads a row that no key leads to. Returns its place.
    @inlinable public mutating func load(nameless key: Key, _ row: Row) -> Int {
        append(Entry(key: key, isNamed: false, stored: row, current: row))
    }

    @inlinable mutating func append(_ entry: Entry) -> Int {
        rows.append(entry)
        if rows.count == Self.few + 1 {
            for (place, row) in rows.enumerated() where row.isNamed { places[row.key] = place }
        } else if rows.count > Self.few, entry.isNamed {
            places[entry.key] = rows.count - 1
        }
        return rows.count - 1
    }

    /// As many rows are looked through faster than their keys are hashed.
    @inlinable static var few: Int { 8 }

    /// From now on `key` leads to `place`, or nowhere.
    @inlinable mutating func lead(_ key: Key, to place: Int?) {
        if let former = self.place(peeking: key) { rows[former].isNamed = false }
        if let place { rows[place].isNamed = true }
        if rows.count > Self.few { places[key] = place }
    }

    // MARK: Looking

    /// The row of `key` by now. One that is not on the page is asked for, and the change is judged again with it.
    @inlinable public mutating func row(_ key: Key) -> Row? {
        guard let place = place(key) else { return nil }
        return rows[place].current
    }

    /// The place of `key`'s row; nil, and asked for, where it is not on the page.
    @inlinable public mutating func place(_ key: Key) -> Int? {
        guard let place = place(peeking: key) else {
            request(key)
            return nil
        }
        return place
    }

    /// The row of `key` by now, where it is on the page; it is not asked for.
    @inlinable public func peek(_ key: Key) -> Row? { place(peeking: key).flatMap { rows[$0].current } }

    /// The place of `key`'s row, where it is on the page; it is not asked for.
    @inlinable public func place(peeking key: Key) -> Int? {
        if rows.count > Self.few { return places[key] }
        for place in rows.indices where rows[place].isNamed && rows[place].key == key { return place }
        return nil
    }

    /// The row at a place by now.
    @inlinable public subscript(_ place: Int) -> Row? { rows[place].current }

    /// The entries that changes have set.
    @inlinable public var changed: [Entry] { hasChanges ? rows.filter { $0.isChanged } : [] }
    /// The places of those.
    @inlinable public var changedPlaces: [Int] { hasChanges ? rows.indices.filter { rows[$0].isChanged } : [] }

    /// The places that were set since the last change began.
    @inlinable public var changedSinceBegin: [Int] {
        steps.compactMap { if case .set(let place, _, _) = $0 { place } else { nil } }
    }

    // MARK: Changing

    /// Changes the row at a place; nil removes it.
    @inlinable public mutating func set(_ row: Row?, at place: Int) {
        steps.append(.set(place: place, before: rows[place].current, wasChanged: rows[place].isChanged))
        rows[place].current = row
        rows[place].isChanged = true
        hasChanges = true
    }

    /// Changes the row of `key`, or adds one that is not on the page and not stored.
    @inlinable public mutating func set(_ row: Row?, for key: Key) {
        set(row, at: place(peeking: key) ?? append(Entry(key: key)))
    }

    /// Adds a row that is not stored, whatever was called so before. Returns its place.
    @inlinable public mutating func add(_ row: Row, for key: Key) -> Int {
        steps.append(.renamed(key, before: place(peeking: key)))
        lead(key, to: nil)
        let place = append(Entry(key: key))
        set(row, at: place)
        new.append(place)
        return place
    }

    /// A new change begins: those before stay.
    @inlinable public mutating func begin() {
        if steps.isEmpty { return }
        steps.removeAll(keepingCapacity: true)
    }

    /// Undoes what was done since the last change began.
    @inlinable public mutating func undo() {
        for step in steps.reversed() {
            switch step {
            case .set(let place, let before, let wasChanged):
                rows[place].current = before
                rows[place].isChanged = wasChanged
            case .renamed(let key, let before): lead(key, to: before)
            }
        }
        steps.removeAll(keepingCapacity: true)
    }
}
