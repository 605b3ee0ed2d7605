package import Blobs

/// What the age of an object's name allows, by one clock for all: a row may name it for a day, and after two it is an
/// orphan where none does. So no row comes to name what a sweep is about to remove.
package enum ObjectRule {
    /// For how long a new row may name an object.
    package static let nameableSeconds: Int64 = 86_400
    /// Behind this much time a plain upload is ended: its first objects would soon be too old to be named.
    package static let uploadSeconds: Int64 = 20 * 3600
    /// From when on an object that no row names is an orphan.
    package static let orphanSeconds: Int64 = 2 * 86_400

    /// Whether a row that is written at `now` may name `id`.
    package static func mayName(_ id: ObjectID, at now: Timestamp) -> Bool {
        now.secondsSince(id.born) < nameableSeconds
    }

    /// Whether `id` is an orphan at `now` where no row names it.
    package static func isForgotten(_ id: ObjectID, at now: Timestamp) -> Bool {
        now.secondsSince(id.born) >= orphanSeconds
    }
}
