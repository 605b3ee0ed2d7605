import Blobs

/// What a fill fetches next, decided without disk or network: which blocks are here, which runs are under way, and what
/// readers want.
///
/// No byte is brought twice: what readers have seen is what is hashed in the end. A run is one request to the origin that
/// fills blocks in order. It is begun where a reader meets a missing block, and
/// asks for what that reader wants, up to the next block that is here. Where readers go on at the end of an earlier
/// run, it asks for everything behind, and is read no faster than they go on.
struct FillPlan: Sendable {
    /// One request for bytes.
    struct Run: Sendable {
        /// Where it began.
        let start: Int64
        /// Up to where it asks.
        let end: Int64
        /// Bytes before this are on the disk.
        var position: Int64
        /// It is read up to here.
        var ceiling: Int64
    }

    /// The most runs for one blob.
    static let runLimit = 4
    /// A reader waits for a run that has no more than this to go until it reaches what the reader wants.
    static let waitBytes: Int64 = 2 << 20
    /// How far a run that follows readers goes ahead of them.
    static let aheadBytes: Int64 = 1 << 20

    private(set) var map: BlockMap
    private(set) var runs: [Int: Run] = [:]
    /// Blocks that runs have left before their end, with the position up to which their bytes are here.
    private var partial: [Int: Int64] = [:]
    private var nextRun = 0
    /// Where runs ended that had brought all they asked for, of which the last few are remembered.
    private var ends: [Int64] = []

    init(size: Int64) {
        map = BlockMap(size: size)
    }

    var size: Int64 { map.size }

    /// Where the last block begins: the end of it is withheld from readers of the whole blob.
    var lastBlockStart: Int64 { map.start(of: map.count - 1) }

    /// Up to where bytes are here without a gap from `offset` on, at most up to `limit`.
    func available(from offset: Int64, limit: Int64) -> Int64 {
        var position = offset
        while position < limit {
            let block = map.block(at: position)
            if map.contains(block) {
                position = map.start(of: block + 1)
            } else {
                return min(max(position, begun(block) ?? position), limit)
            }
        }
        return limit
    }

    /// Up to where the bytes of a block that is missing are here all the same; nil where nobody has begun it.
    private func begun(_ block: Int) -> Int64? {
        if let end = partial[block] { return end }
        return runs.values.first { $0.position < $0.end && map.block(at: $0.position) == block }?.position
    }

    /// Where a run has to stop: at its end, or at the next block that is here or that was begun by another.
    private func stop(of run: Run) -> Int64 {
        guard run.position < run.end else { return run.end }
        let next = map.firstPresent(from: map.block(at: run.position) + 1)
        var stop = min(run.end, map.start(of: next))
        for block in runs.values.map({ map.block(at: $0.position) }) + partial.keys {
            let start = map.start(of: block)
            if start > run.position { stop = min(stop, start) }
        }
        return stop
    }

    /// A reader waits for the byte at `offset`, which is missing, and wants all up to `end`. Returns the run to begin, if
    /// it needs one of its own.
    mutating func demand(_ offset: Int64, to end: Int64) -> (id: Int, run: Run)? {
        for (id, run) in runs where run.position <= offset && offset < stop(of: run) {
            guard offset - max(run.position, run.start) <= Self.waitBytes else { continue }
            runs[id]?.ceiling = max(run.ceiling, min(end, run.end))
            return nil
        }
        guard runs.count < Self.runLimit else { return nil }
        let block = map.block(at: offset)
        let start = partial.removeValue(forKey: block) ?? map.start(of: block)
        let follows = ends.contains(start)
        let wanted = follows ? size : map.start(of: map.block(at: end - 1) + 1)
        let limit = stop(of: Run(start: start, end: wanted, position: start, ceiling: wanted))
        let ceiling = follows ? min(limit, end + Self.aheadBytes) : limit
        return begin(Run(start: start, end: limit, position: start, ceiling: ceiling))
    }

    /// A run for whole blocks that is under way already; nil where others have begun, or it is not within the blob.
    mutating func begin(_ range: Range<Int64>) -> Int? {
        guard map.present == 0, runs.isEmpty, partial.isEmpty, range.upperBound <= size, !range.isEmpty else {
            return nil
        }
        let (start, end) = (range.lowerBound, range.upperBound)
        return begin(Run(start: start, end: end, position: start, ceiling: end)).id
    }

    private mutating func begin(_ run: Run) -> (id: Int, run: Run) {
        nextRun += 1
        runs[nextRun] = run
        return (nextRun, run)
    }

    /// A run has brought `count` more bytes, within its room. Returns whether it is at its end, or at a block that is here
    /// or that another has begun.
    mutating func advance(_ id: Int, by count: Int64) -> Bool {
        guard var run = runs.removeValue(forKey: id) else { return true }
        let from = map.block(at: run.position)
        run.position += count
        for block in from..<map.count {
            guard map.start(of: block + 1) <= run.position else { break }
            map.insert(block)
        }
        defer { runs[id] = run }
        if run.position >= run.end { return true }
        let block = map.block(at: run.position)
        return run.position == map.start(of: block) && (map.contains(block) || begun(block) != nil)
    }

    /// How many bytes a run may take in now; 0 while readers have to catch up.
    func room(of id: Int) -> Int64 {
        guard let run = runs[id] else { return 0 }
        return max(0, min(run.ceiling, stop(of: run)) - run.position)
    }

    /// A run is over. The next goes on where it stopped.
    mutating func end(_ id: Int) {
        guard let run = runs.removeValue(forKey: id) else { return }
        if run.position < size {
            let block = map.block(at: run.position)
            if run.position > map.start(of: block) { partial[block] = run.position }
        }
        guard run.position == run.end || run.position >= run.ceiling else { return }
        ends.append(run.position)
        if ends.count > Self.runLimit { ends.removeFirst() }
    }
}
