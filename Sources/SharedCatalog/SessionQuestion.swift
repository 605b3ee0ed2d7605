import Store

/// Something to be asked of a connection that is not a change.
struct SessionQuestion: Sendable {
    /// Asks it and tells whoever waits; returns false, and has told nobody, where the connection was lost meanwhile.
    let run: @Sendable (Session) -> Bool
    /// Tells whoever waits why it was not asked.
    let fail: @Sendable (SharedCatalogError) -> Void
}

extension ConnectedThreads<SessionQuestion> {
    /// Threads that ask one question at a time.
    convenience init(_ name: String, count: Int, catalog: OpenedCatalog) {
        self.init(name, count: count, connector: catalog.connector, logger: catalog.logger) { question, error in
            question.fail(error)
        } run: { questions, _, session in
            questions.filter { !$0.run(session) }
        }
    }

    /// Asks something, a second time where the connection was lost.
    func ask<Value: Sendable>(
        _ body: @escaping @Sendable (Session) throws(SharedCatalogError) -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, SharedCatalogError> = await withCheckedContinuation { continuation in
            submit(
                SessionQuestion { session in
                    let result = Result { () throws(SharedCatalogError) in try body(session) }
                    if case .failure = result, session.condition == .lost { return false }
                    continuation.resume(returning: result)
                    return true
                } fail: {
                    continuation.resume(returning: .failure($0))
                })
        }
        do { return try result.get() } catch { throw error.storeError }
    }
}
