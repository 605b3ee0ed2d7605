package import Transfer

/// How far a step has come.
package struct Progress: Hashable, Sendable {
    package enum Step: String, Sendable { case sealing, sending, fetching, opening }

    package let step: Step
    /// Bytes done, of `total`.
    package let done: Int64
    package let total: Int64

    package init(_ step: Step, _ done: Int64, of total: Int64) {
        self.step = step
        self.done = done
        self.total = total
    }
}

/// Whom a journey talks to while it is under way.
package struct Audience {
    /// Hears a sentence worth knowing: what was removed, what is tried again.
    package var say: (String) -> Void
    package var progress: (Progress) -> Void
    /// Asked whether a message may lead to a host that the configuration does not name.
    package var allows: (WebOrigin) -> Bool

    package init(
        say: @escaping (String) -> Void, progress: @escaping (Progress) -> Void,
        allows: @escaping (WebOrigin) -> Bool
    ) {
        self.say = say
        self.progress = progress
        self.allows = allows
    }
}
