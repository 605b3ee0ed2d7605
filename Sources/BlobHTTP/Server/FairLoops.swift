import NIOCore
import Synchronization

/// What keeps the connections of one event loop from making each other wait. Used on that loop only.
struct FairLoop {
    let endings: LoopEndings
    let turns: LoopTurns

    init(_ loop: any EventLoop) {
        endings = LoopEndings(loop)
        turns = LoopTurns(loop)
    }
}

/// That of every event loop.
final class FairLoops: Sendable {
    private let loops = Mutex<[ObjectIdentifier: NIOLoopBound<FairLoop>]>([:])

    /// That of `loop`, which is the present one.
    func of(_ loop: any EventLoop) -> FairLoop {
        let bound = loops.withLock { loops in
            if let known = loops[ObjectIdentifier(loop)] { return known }
            let new = NIOLoopBound(FairLoop(loop), eventLoop: loop)
            loops[ObjectIdentifier(loop)] = new
            return new
        }
        return bound.value
    }
}
