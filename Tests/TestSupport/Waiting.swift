/// What was waited for has not happened in a quarter of an hour: something hangs.
package struct NeverHappened: Error {}

/// Waits until `condition` holds, however slow the machine is.
package func eventually(_ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(900)
    while try await !condition() {
        guard ContinuousClock.now < end else { throw NeverHappened() }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Waits until `value` is not nil, and returns it.
package func eventually<Value>(_ value: () async throws -> Value?) async throws -> Value {
    var found: Value?
    try await eventually {
        found = try await value()
        return found != nil
    }
    guard let found else { throw NeverHappened() }
    return found
}
