package import NIOCore
import Synchronization

/// A value for each event loop, made when the loop first asks for it.
package final class PerLoop<Value>: Sendable {
    private let values = Mutex<[ObjectIdentifier: NIOLoopBound<Value>]>([:])

    package init() {}

    /// The value of `loop`, which is the present one.
    package func value(on loop: any EventLoop, _ make: () -> Value) -> Value {
        let bound = values.withLock { values in
            if let known = values[ObjectIdentifier(loop)] { return known }
            let new = NIOLoopBound(make(), eventLoop: loop)
            values[ObjectIdentifier(loop)] = new
            return new
        }
        return bound.value
    }

    /// Calls `body` with the value of each loop, on that loop.
    package func forEach(_ body: @escaping @Sendable (Value) -> Void) {
        for bound in values.withLock({ Array($0.values) }) { bound.eventLoop.execute { body(bound.value) } }
    }
}
