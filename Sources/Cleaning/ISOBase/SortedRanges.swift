/// Ranges of a file's bytes, in its order and apart from each other, in a few bytes each: films have several hundred
/// thousand.
///
/// | bytes | |
/// |---|---|
/// | 1…10 | bytes from the end of the range before (`CompactNumber`) |
/// | 1…10 | bytes of the range |
package struct SortedRanges: Sendable, Sequence {
    /// One in so many ranges can be found without reading those before it.
    private static let ranges = 64

    /// What is known in front of a range.
    fileprivate struct RangeMark {
        var offset = 0
        /// How many ranges lie before it, where the last one ends, and their bytes together.
        var index = 0
        var end: Int64 = 0
        var bytesBefore: Int64 = 0
    }

    private var encoded: [UInt8] = []
    private var places: [RangeMark] = []
    /// Behind all that is encoded.
    private var tail = RangeMark()
    /// The last range, which may still grow.
    private(set) var last: Range<Int64>?

    package init() {}

    package var count: Int { tail.index + (last == nil ? 0 : 1) }

    /// Bytes of all ranges together.
    package var bytes: Int64 { tail.bytesBefore + (last.map { $0.upperBound - $0.lowerBound } ?? 0) }

    /// Appends a range that does not begin before the last one; where both touch or overlap, they become one.
    package mutating func append(_ range: Range<Int64>) {
        if range.isEmpty { return }
        if let last {
            precondition(last.lowerBound <= range.lowerBound, "ranges come in the file's order")
            if range.lowerBound <= last.upperBound {
                self.last = last.lowerBound..<Swift.max(last.upperBound, range.upperBound)
                return
            }
            if tail.index % Self.ranges == 0 { places.append(tail) }
            CompactNumber.append(UInt64(last.lowerBound - tail.end), to: &encoded)
            CompactNumber.append(UInt64(last.upperBound - last.lowerBound), to: &encoded)
            tail = RangeMark(
                offset: encoded.count, index: tail.index + 1, end: last.upperBound,
                bytesBefore: tail.bytesBefore + last.upperBound - last.lowerBound)
        }
        last = range
    }

    package struct Iterator: IteratorProtocol {
        private let ranges: SortedRanges
        private var place: RangeMark

        fileprivate init(_ ranges: SortedRanges, at place: RangeMark = RangeMark()) {
            self.ranges = ranges
            self.place = place
        }

        /// Bytes of all ranges up to and with the last one that was given.
        var bytesBefore: Int64 { place.bytesBefore }

        package mutating func next() -> Range<Int64>? {
            let range: Range<Int64>
            if place.index < ranges.tail.index {
                let start = place.end + Int64(CompactNumber.read(ranges.encoded, &place.offset))
                range = start..<start + Int64(CompactNumber.read(ranges.encoded, &place.offset))
            } else if place.index == ranges.tail.index, let last = ranges.last {
                range = last
            } else {
                return nil
            }
            place.index += 1
            place.end = range.upperBound
            place.bytesBefore += range.upperBound - range.lowerBound
            return range
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }

    /// Goes over the ranges from one on that ends at `offset` or before, or from the first: none before it is near.
    fileprivate func iterator(near offset: Int64) -> Iterator {
        var low = 0
        var high = places.count
        while low < high {
            let middle = (low + high) / 2
            if places[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return Iterator(self, at: low > 0 ? places[low - 1] : RangeMark())
    }
}

extension SortedRanges {
    /// The parts of the ranges that lie in `range`.
    package func overlapping(_ range: Range<Int64>) -> some Sequence<Range<Int64>> {
        IteratorSequence(iterator(near: range.lowerBound)).lazy
            .drop { $0.upperBound <= range.lowerBound }
            .prefix { $0.lowerBound < range.upperBound }
            .map { $0.clamped(to: range) }
    }

    package func overlap(_ range: Range<Int64>) -> Bool { overlapping(range).contains { !$0.isEmpty } }

    /// The one that has all of `range`, which is not empty.
    package func range(around range: Range<Int64>) -> Range<Int64>? {
        var iterator = iterator(near: range.lowerBound)
        while let next = iterator.next() {
            if next.upperBound <= range.lowerBound { continue }
            return next.lowerBound <= range.lowerBound && range.upperBound <= next.upperBound ? next : nil
        }
        return nil
    }

    /// Whether one of them has all of `range`, which is not empty.
    package func cover(_ range: Range<Int64>) -> Bool { self.range(around: range) != nil }

    /// The ranges of both.
    func merged(with other: SortedRanges) -> SortedRanges {
        var merged = SortedRanges()
        var (ones, others) = (makeIterator(), other.makeIterator())
        var (one, another) = (ones.next(), others.next())
        while let first = one, let second = another {
            if first.lowerBound <= second.lowerBound {
                merged.append(first)
                one = ones.next()
            } else {
                merged.append(second)
                another = others.next()
            }
        }
        while let first = one {
            merged.append(first)
            one = ones.next()
        }
        while let second = another {
            merged.append(second)
            another = others.next()
        }
        return merged
    }
}

/// Finds where bytes come to lie when ranges are put one behind the other; fast where they are asked for in order.
struct RangeFinder {
    private static let steps = 64

    private let ranges: SortedRanges
    private var iterator: SortedRanges.Iterator
    private var current: Range<Int64> = 0..<0

    init(_ ranges: SortedRanges) {
        self.ranges = ranges
        iterator = ranges.makeIterator()
    }

    /// Bytes of the ranges before `offset`; nil where it lies in none.
    mutating func position(of offset: Int64) -> Int64? {
        if !current.contains(offset) {
            if offset < current.lowerBound { iterator = ranges.iterator(near: offset) }
            if !advance(to: offset) {
                iterator = ranges.iterator(near: offset)
                _ = advance(to: offset)
            }
            guard current.contains(offset) else { return nil }
        }
        return iterator.bytesBefore - (current.upperBound - offset)
    }

    /// Goes to the first range that ends behind `offset`, if it is near.
    private mutating func advance(to offset: Int64) -> Bool {
        for _ in 0...Self.steps {
            guard let next = iterator.next() else { return true }
            current = next
            if current.upperBound > offset { return true }
        }
        return false
    }
}
