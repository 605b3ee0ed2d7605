package import Store

/// Why the shared catalog could not do what it was asked: what was tried, and why it failed. Nothing of it tells a
/// password.
package enum SharedCatalogError: Error, Sendable, Hashable {
    /// The database had no room; nothing was changed.
    case full(String)
    /// The database does not answer, or takes no writes now; nothing was changed.
    case unavailable(String)
    /// Rows had changed meanwhile, or would have contradicted each other; nothing was changed.
    case conflict(String)
    /// The database, or how it is set up, is not to be used: the sentence says what is wrong.
    case unfit(String)
    /// The tables have a schema that this program does not know: a later version made it.
    case superseded
    /// There is no store, and none was to be made.
    case missing
    /// The catalog has been closed.
    case closed
    /// The answer to a COMMIT was lost, and nobody could say what became of it.
    case outcomeUnknown
    /// Anything else.
    case failed(String)
}

extension SharedCatalogError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .full(let what), .unavailable(let what), .conflict(let what), .unfit(let what), .failed(let what): what
        case .superseded:
            "the database has tables of a later version of satcheld, and this one does not know them; use that one"
        case .missing: "there is no store in this database; a server makes one when it starts"
        case .closed: "the catalog has been closed"
        case .outcomeUnknown: "the database: the answer to a commit was lost"
        }
    }

    /// What a store says for it.
    package var storeError: StoreError {
        switch self {
        case .full: .diskFull
        case .unavailable(let why): .unavailable(why)
        case .closed: .storeIsClosing
        case .outcomeUnknown: .outcomeUnknown
        case .conflict, .unfit, .superseded, .missing, .failed: .io(description)
        }
    }
}
