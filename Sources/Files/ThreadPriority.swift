import Glibc

/// How much of a processor a thread gets while others want it too.
package enum ThreadPriority {
    /// Niceness of a thread whose work can wait: its share is about a tenth of an ordinary thread's.
    private static let yielding: Int32 = 10

    /// Lets ordinary threads go before the one that calls. On Linux niceness belongs to a thread, and 0 names this one
    /// (sched(7)). Being more modest needs no right, so there is nothing to be done about a failure.
    package static func yieldToOthers() { _ = setpriority(.init(PRIO_PROCESS.rawValue), 0, yielding) }
}
